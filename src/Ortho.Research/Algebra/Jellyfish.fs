/// <summary>Exact products of the jellyfish maps J of A_n with each other and with the orbit elements X of S_n.</summary>
/// <remarks>
/// J_d, d of n or n - 1 blocks, is X_d times the sign of the values of its blocks, by least vertex, as a permutation of 1..n (a missing value last).
/// The product of two of them is even under every permutation, so it is a combination of X; that of a J and an X is odd, a combination of J. The
/// coefficient of X_r or J_r is the signed sum, over the values of the blocks that vanish in the middle, at one choice of values for the blocks of r.
/// For D instead of X extend by `OrbitBasis.ofDiagram`. Sources: Comes 2020 (jellyfish partition category); Pearce-Crump 2301.10152.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Jellyfish

/// <summary>Whether J_d is defined: n or n - 1 blocks.</summary>
/// <param name="n">The dimension of R^n, at least 2.</param>
/// <param name="d">The diagram.</param>
[<CompiledName("IsJellyfish")>]
let isJellyfish (n: int) (d: Diagram) : bool =
    Guard.atLeast "n" 2 n
    Guard.notNull "d" d
    d.BlockCount = n || d.BlockCount = n - 1

let private check (name: string) (n: int) (d: Diagram) =
    Guard.notNull name d

    Guard.holds name (isJellyfish n d) (fun () ->
        $"{name} must have {n} or {n - 1} blocks, but has {d.BlockCount}: {d}.")

/// The sign of distinct values below n, the missing one, if any, put last.
let private sign (n: int) (values: int[]) =
    Array.append values (Array.except values [| 0 .. n - 1 |])
    |> Permutation.ofArray
    |> Permutation.sign

/// All choices of so many numbers, in order.
let rec private choices (count: int) (numbers: int list) : int list list =
    match numbers with
    | _ when count = 0 -> [ [] ]
    | [] -> []
    | first :: rest ->
        (choices (count - 1) rest |> List.map (fun chosen -> first :: chosen))
        @ choices count rest

/// Where the blocks of d2 and of d1 are in a diagram r of their product: the number of r's block, or -1, -2, ... for one that vanishes.
let private places (d2: Diagram) (d1: Diagram) (r: Diagram) : int[] * int[] =
    let top, middle = d2.TopCount, d1.TopCount

    let above (block: int[]) =
        block |> Array.tryFind (fun v -> v < top)

    let below (block: int[]) =
        block |> Array.tryFind (fun v -> v >= middle)

    let blocks2, blocks1 = d2.Partition.Blocks, d1.Partition.Blocks
    let vanishing = ResizeArray()

    let place1 =
        [|
            for block in blocks1 do
                match below block with
                | Some v -> r.BlockOf(top + v - middle)
                | None ->
                    // The block of d2 that holds the same middle vertices.
                    let other = d2.BlockOf(top + block[0])

                    match above blocks2[other] with
                    | Some v -> r.BlockOf v
                    | None ->
                        vanishing.Add other
                        -vanishing.Count
        |]

    let place2 =
        [|
            for number in 0 .. blocks2.Length - 1 do
                match above blocks2[number] with
                | Some v -> r.BlockOf v
                | None when vanishing.Contains number -> -1 - vanishing.IndexOf number
                | None -> place1[d1.BlockOf(blocks2[number][0] - top)]
        |]

    place2, place1

/// The coefficients of the product at the diagrams of `OrbitBasis.product`; each factor's sign counts or not.
let private signedProduct (n: int) (isSigned2: bool) (isSigned1: bool) (d2: Diagram) (d1: Diagram) : DiagramTerm[] =
    let removed = (Diagram.compose d2 d1).Removed

    if isSigned2 <> isSigned1 && removed >= 2 then
        // To swap the values of two vanishing blocks changes one sign: the sum is 0.
        [||]
    else
        // Every order of the vanishing blocks' values gives the same two signs.
        let orders = Seq.fold (fun product (i: int) -> product * bigint i) 1I [ 1..removed ]

        let coefficient (r: Diagram) =
            let place2, place1 = places d2 d1 r

            choices removed [ r.BlockCount .. n - 1 ]
            |> List.sumBy (fun chosen ->
                let values = Array.ofList chosen

                let signOf isSigned (place: int[]) =
                    if isSigned then
                        place
                        |> Array.map (fun block -> if block >= 0 then block else values[-1 - block])
                        |> sign n
                    else
                        1

                bigint (signOf isSigned2 place2 * signOf isSigned1 place1))
            |> (*) orders

        OrbitBasis.product n d2 d1
        |> Array.filter (fun term -> isSigned2 = isSigned1 || isJellyfish n term.Diagram)
        |> Array.map (fun term ->
            { term with
                Coefficient = coefficient term.Diagram
            })
        |> Array.filter (fun term -> not term.Coefficient.IsZero)

/// <summary>The product J_d2 J_d1 as a combination of orbit elements X; empty if it is 0.</summary>
/// <param name="n">The dimension of R^n, at least 2.</param>
/// <param name="d2">The diagram applied last, of n or n - 1 blocks.</param>
/// <param name="d1">The diagram applied first, of n or n - 1 blocks.</param>
/// <returns>Distinct diagrams with coefficients that are not 0.</returns>
/// <exception cref="T:System.ArgumentException">Another number of blocks, the rows do not match, or there are more terms than `SetPartition.limit`.</exception>
[<CompiledName("Product")>]
let product (n: int) (d2: Diagram) (d1: Diagram) : DiagramTerm[] =
    check "d2" n d2
    check "d1" n d1
    signedProduct n true true d2 d1

/// <summary>The product J_d2 X_d1 as a combination of jellyfish J; empty if it is 0.</summary>
/// <param name="n">The dimension of R^n, at least 2.</param>
/// <param name="d2">The jellyfish, applied last, of n or n - 1 blocks.</param>
/// <param name="d1">The orbit element, applied first.</param>
/// <returns>Distinct diagrams of n or n - 1 blocks with coefficients that are not 0.</returns>
/// <exception cref="T:System.ArgumentException">d2 has another number of blocks, the rows do not match, or there are more terms than `SetPartition.limit`.</exception>
[<CompiledName("AfterOrbit")>]
let afterOrbit (n: int) (d2: Diagram) (d1: Diagram) : DiagramTerm[] =
    check "d2" n d2
    Guard.notNull "d1" d1
    signedProduct n true false d2 d1

/// <summary>The product X_d2 J_d1 as a combination of jellyfish J; empty if it is 0.</summary>
/// <param name="n">The dimension of R^n, at least 2.</param>
/// <param name="d2">The orbit element, applied last.</param>
/// <param name="d1">The jellyfish, applied first, of n or n - 1 blocks.</param>
/// <returns>Distinct diagrams of n or n - 1 blocks with coefficients that are not 0.</returns>
/// <exception cref="T:System.ArgumentException">d1 has another number of blocks, the rows do not match, or there are more terms than `SetPartition.limit`.</exception>
[<CompiledName("BeforeOrbit")>]
let beforeOrbit (n: int) (d2: Diagram) (d1: Diagram) : DiagramTerm[] =
    check "d1" n d1
    Guard.notNull "d2" d2
    signedProduct n false true d2 d1
