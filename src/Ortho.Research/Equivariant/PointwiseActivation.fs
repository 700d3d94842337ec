namespace Ortho

open System
open TorchSharp

/// Whether something may be done, and why or why not in one sentence.
type Admissibility =
    {
        /// Whether it may.
        IsAllowed: bool
        /// Why or why not.
        Reason: string
    }

    override this.ToString() =
        (if this.IsAllowed then "yes: " else "no: ") + this.Reason

/// <summary>Which activation functions, applied entry by entry, commute with which matrices and representations: f(A x) = A f(x) for all x.</summary>
/// <remarks>
/// <para>Row by row: f(sum a_j x_j) = sum a_j f(x_j). With two or more entries a_j that are not 0 this is Pexider's equation f(u + v) = p(u) + q(v), so f - f(0) is
/// additive, and a continuous f is affine. Hence, exactly: (1) f(t) = a t: every A. (2) f(t) = a t + b, b not 0: the A whose rows sum to 1.
/// (3) any other continuous f: the A whose rows have at most one entry s that is not 0, with f(s t) = s f(t) for all t, and a row of zeros only if
/// f(0) = 0. Of invertible A these are: f generic, the permutations; f odd, those with signs; f positively homogeneous, those with positive factors.</para>
/// <para>A representation is judged by the group's generators. Each of these sets of invertible matrices is a group, closed in the usual topology: what
/// generates a dense subgroup of O(n), SO(n) suffices. For Sp(n) the generators are dense in Zariski's topology only. All sets but that of positive factors are closed
/// in it too. There, the image of Sp(n) lies in the closure, products of permutations and diagonals; as Sp(n) is connected and 1 goes to 1, the diagonals are positive
/// and the permutation 1. (Sp(n) being perfect, it then acts trivially.)</para>
/// <para>Source: Pacini et al. 2024 (2401.09235).</para>
/// </remarks>
[<RequireQualifiedAccess>]
module PointwiseActivation =

    /// <summary>A function with the class that you state for it; <c>classDefect</c> measures whether it has the class.</summary>
    /// <param name="name">What answers call it.</param>
    /// <param name="kind">Its class: of several, the one that promises most.</param>
    /// <param name="f">From a tensor to one of the same shape, entry by entry. It must not write into its argument.</param>
    [<CompiledName("OfFunction")>]
    let ofFunction (name: string) (kind: ActivationClass) (f: torch.Tensor -> torch.Tensor) =
        ActivationFunction(name, kind, f)

    /// max (t, 0), positively homogeneous.
    [<CompiledName("Relu")>]
    let relu =
        ofFunction "ReLU" ActivationClass.PositivelyHomogeneous (fun x -> x.relu ())

    /// <summary>t for t of at least 0, slope t below: positively homogeneous; linear for slope 1, abs for slope -1.</summary>
    /// <exception cref="T:System.ArgumentException">slope is not finite.</exception>
    [<CompiledName("LeakyRelu")>]
    let leakyRelu (slope: float) =
        Guard.finite "slope" slope

        let kind =
            if slope = 1.0 then
                ActivationClass.Linear
            else
                ActivationClass.PositivelyHomogeneous

        ofFunction $"leaky ReLU of slope {slope}" kind (fun x ->
            let positive = x.relu ()
            addMultiple slope (x .- positive) positive)

    /// |t|: even, positively homogeneous.
    [<CompiledName("Abs")>]
    let abs = ofFunction "abs" ActivationClass.PositivelyHomogeneous (fun x -> x.abs ())

    /// The hyperbolic tangent, odd.
    [<CompiledName("Tanh")>]
    let tanh = ofFunction "tanh" ActivationClass.Odd (fun x -> x.tanh ())

    /// The sine, odd.
    [<CompiledName("Sin")>]
    let sin = ofFunction "sin" ActivationClass.Odd (fun x -> x.sin ())

    /// t / (1 + |t|), odd.
    [<CompiledName("Softsign")>]
    let softsign =
        ofFunction "softsign" ActivationClass.Odd (fun x -> x.div (plus 1.0 (x.abs ())))

    /// 1 / (1 + exp(-t)), generic.
    [<CompiledName("Sigmoid")>]
    let sigmoid = ofFunction "sigmoid" ActivationClass.Generic (fun x -> x.sigmoid ())

    /// log(1 + exp t), generic.
    [<CompiledName("Softplus")>]
    let softplus =
        ofFunction "softplus" ActivationClass.Generic (fun x -> x.logaddexp (x.new_zeros (x.shape)))

    /// t Phi(t), Phi the normal distribution function; generic.
    [<CompiledName("Gelu")>]
    let gelu = ofFunction "GELU" ActivationClass.Generic (fun x -> x.gelu ())

    /// t sigmoid(t), generic.
    [<CompiledName("Silu")>]
    let silu = ofFunction "SiLU" ActivationClass.Generic (fun x -> x.silu ())

    /// t itself, linear.
    [<CompiledName("Identity")>]
    let identity =
        ofFunction "the identity" ActivationClass.Linear (fun x -> x.alias ())

    /// <summary>a t + b, linear for b = 0.</summary>
    /// <exception cref="T:System.ArgumentException">A number is not finite.</exception>
    [<CompiledName("Affine")>]
    let affine (a: float) (b: float) =
        Guard.finite "a" a
        Guard.finite "b" b

        let kind =
            if b = 0.0 then
                ActivationClass.Linear
            else
                ActivationClass.Affine

        ofFunction $"{a} t + {b}" kind (fun x -> plus b (multiply a x))

    /// All that is asked of the rows of a matrix: how many entries are not 0, between which bounds these lie, and the sums.
    [<NoEquality; NoComparison>]
    type private Rows =
        {
            Fewest: float
            Most: float
            /// The entries that are not 0 (infinity, -infinity if there is none), and their sizes.
            Entries: struct (float * float)
            Sizes: struct (float * float)
            Sums: struct (float * float)
        }

    let private hull (struct (a, b)) (struct (c, d)) : struct (float * float) = struct (min a c, max b d)

    let private times (struct (a: float, b: float)) (struct (c: float, d: float)) : struct (float * float) =
        let corners = [| a * c; a * d; b * c; b * d |]
        struct (Array.reduce min corners, Array.reduce max corners)

    /// The rows of both.
    let private union (a: Rows) (b: Rows) =
        {
            Fewest = min a.Fewest b.Fewest
            Most = max a.Most b.Most
            Entries = hull a.Entries b.Entries
            Sizes = hull a.Sizes b.Sizes
            Sums = hull a.Sums b.Sums
        }

    /// The tensor products of each row of one with each of the other, neither with a row of zeros.
    let private tensor (a: Rows) (b: Rows) =
        {
            Fewest = a.Fewest * b.Fewest
            Most = a.Most * b.Most
            Entries = times a.Entries b.Entries
            Sizes = times a.Sizes b.Sizes
            Sums = times a.Sums b.Sums
        }

    let private units =
        {
            Fewest = 1.0
            Most = 1.0
            Entries = struct (1.0, 1.0)
            Sizes = struct (1.0, 1.0)
            Sums = struct (1.0, 1.0)
        }

    /// Entries and sums closer than this to 0 (of the largest entry), to 1 or to -1 are taken for these.
    let private tolerance = 1e-10

    let private ofMatrix (matrix: torch.Tensor) : Rows =
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()

        let range (x: torch.Tensor) =
            if x.numel () = 0L then
                struct (infinity, -infinity)
            else
                struct (number (x.min ()), number (x.max ()))

        let sizes = matrix.abs ()
        let isEntry = sizes.gt (multiply tolerance (sizes.max ()))
        let struct (fewest, most) = range (isEntry.sum 1L)

        {
            Fewest = fewest
            Most = most
            Entries = range (matrix.masked_select isEntry)
            Sizes = range (sizes.masked_select isEntry)
            Sums = range (matrix.sum 1L)
        }

    /// The rows of an invertible map, from those of its tensor factors and direct summands: only a map with neither is made a matrix.
    let rec private ofMap (map: LinearMap) : Rows =
        match map.Form with
        | Identity _
        | Permutation _ -> units
        | Kronecker factors -> factors |> Array.map ofMap |> Array.reduce tensor
        | DirectSum parts -> parts |> Array.map ofMap |> Array.reduce union
        | _ ->
            use matrix = LinearMap.toMatrix map
            ofMatrix matrix

    let private near (low: float, high: float) (struct (least, most)) =
        least >= low - tolerance && most <= high + tolerance

    /// What stands in the way, if anything does.
    let private obstacle (activation: ActivationFunction) (rows: Rows) : string option =
        let vanishesAtZero () =
            use zero = vector TensorKind.float64 [| 0.0 |]
            use value = activation.Apply zero
            number value = 0.0

        let (struct (least, most)) = rows.Entries

        let number (x: float) =
            x.ToString("0.####", Globalization.CultureInfo.InvariantCulture)

        match activation.Class with
        | ActivationClass.Linear -> None
        | ActivationClass.Affine ->
            if near (1.0, 1.0) rows.Sums then
                None
            else
                Some "has a row that does not sum to 1, which moves the constant"
        | _ when rows.Most > 1.0 ->
            Some $"mixes {rows.Most} coordinates into one, with which no pointwise function but an affine one commutes"
        | ActivationClass.Generic when near (1.0, 1.0) rows.Entries |> not && rows.Most > 0.0 ->
            let factor = if least < 1.0 - tolerance then least else most
            Some $"multiplies a coordinate by {number factor}, which {activation} does not let through"
        | ActivationClass.Generic when rows.Fewest = 0.0 && not (vanishesAtZero ()) ->
            Some $"sends everything to 0 in a coordinate, but {activation} is not 0 at 0"
        | ActivationClass.Odd when near (1.0, 1.0) rows.Sizes |> not && rows.Most > 0.0 ->
            let (struct (small, large)) = rows.Sizes
            let factor = if small < 1.0 - tolerance then small else large
            Some $"multiplies a coordinate by a factor of size {number factor}, which {activation} does not let through"
        | ActivationClass.PositivelyHomogeneous when least < 0.0 ->
            Some $"multiplies a coordinate by {number least}, but {activation} lets only positive factors through"
        | _ -> None

    /// <summary>Whether f(A x) = A f(x) for all x, by the exact condition above.</summary>
    /// <param name="activation">f, by its class. For a generic one and an A with a row of zeros f(0) is computed.</param>
    /// <param name="matrix">A, float64, shape [m; n], finite. Entries of at most 1e-10 times the largest count as 0; those within 1e-10 of 1 or -1, and
    /// sums of rows within 1e-10 of 1, count as these.</param>
    /// <exception cref="T:System.ArgumentException">The matrix is of another type, empty, not of two axes, or has NaN or infinite entries.</exception>
    [<CompiledName("Admits")>]
    let admits (activation: ActivationFunction) (matrix: torch.Tensor) : bool =
        Guard.notNull "activation" activation
        Guard.rank "matrix" 2 matrix
        Guard.notEmpty "matrix" matrix

        Guard.holds "matrix" (matrix.dtype = torch.float64) (fun () ->
            $"matrix must be float64, but is {matrix.dtype}.")

        Guard.finiteEntries "matrix" matrix
        (obstacle activation (ofMatrix matrix)).IsNone

    /// <summary>How far f(A x) is from A f(x): their distance over the sum of their norms, for eight random x. Rounding if they commute.</summary>
    /// <param name="seed">Draws the entries of x, independent N(0, 1).</param>
    /// <param name="activation">f.</param>
    /// <param name="map">A; tested in its own type, in float64 if it takes any.</param>
    [<CompiledName("Commutes")>]
    let commutes (seed: int) (activation: ActivationFunction) (map: LinearMap) : float =
        Guard.notNull "activation" activation
        Guard.notNull "map" map
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()

        let x =
            Seed.normal seed (LinearMap.kindOf map) (Array.append [| 8L |] map.Domain.Axes)

        Law.distance (activation.Apply(map.Apply x)) (map.Apply(activation.Apply x))

    /// <summary>How far a function is from what its class promises: the distance of both sides of f(-t) = -f(t); of f(s t) = s f(t); of f(t) = a t + b
    /// with a, b from f(0), f(1); over the sum of their norms, for random t and s > 0. Zero for a generic function, which promises nothing.</summary>
    /// <param name="seed">Draws 64 numbers t from N(0, 4), in float64.</param>
    /// <param name="activation">f.</param>
    [<CompiledName("ClassDefect")>]
    let classDefect (seed: int) (activation: ActivationFunction) : float =
        Guard.notNull "activation" activation
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let t = multiply 2.0 (Seed.normal seed TensorKind.float64 [ 64L ])
        let f = activation.Apply

        let line (offset: float) =
            let slope = number (f (vector TensorKind.float64 [| 1.0 |])) - offset
            Law.distance (f t) (plus offset (multiply slope t))

        match activation.Class with
        | ActivationClass.Generic -> 0.0
        | ActivationClass.Odd -> Law.distance (f (t.neg ())) (f(t).neg())
        | ActivationClass.PositivelyHomogeneous ->
            [ 0.3; 2.7 ]
            |> List.map (fun s -> Law.distance (f (multiply s t)) (multiply s (f t)))
            |> List.reduce max
        | ActivationClass.Linear -> line 0.0
        | ActivationClass.Affine -> line (number (f (vector TensorKind.float64 [| 0.0 |])))

    /// <summary>Whether a function, applied to each entry, commutes with all elements of a group as they act in a representation.</summary>
    /// <param name="activation">The function, by its class.</param>
    /// <param name="rep">The representation, of any size: of tensor products and direct sums only the factors are looked at.</param>
    /// <returns>The answer, exact for the class, with the reason.</returns>
    /// <exception cref="T:System.ArgumentException">R^n itself is so large that the matrix of a generator would have more than 2^27 entries.</exception>
    [<CompiledName("MayApply")>]
    let mayApply (activation: ActivationFunction) (rep: Rep) : Admissibility =
        Guard.notNull "activation" activation
        Guard.notNull "rep" rep
        use _ = torch.NewDisposeScope()
        let generators = Group.generators rep.Group |> Array.map rep.Of
        let rows = generators |> Array.map ofMap |> Array.reduce union

        match obstacle activation rows with
        | Some obstacle ->
            {
                IsAllowed = false
                Reason = $"{activation} does not commute with {rep}: an element {obstacle}."
            }
        | None ->
            let because =
                if generators |> Array.forall _.Form.IsIdentity then
                    $"{rep.Group} acts as the identity"
                elif activation.Class = ActivationClass.Linear then
                    "it is linear, the same on every coordinate"
                elif rows.Most = 1.0 && near (1.0, 1.0) rows.Entries then
                    "every element permutes coordinates"
                elif activation.Class = ActivationClass.Affine then
                    "the rows of every element sum to 1"
                elif rows.Most = 1.0 && near (1.0, 1.0) rows.Sizes then
                    "every element permutes coordinates up to signs"
                else
                    "every element permutes coordinates up to positive factors"

            {
                IsAllowed = true
                Reason = $"{activation} commutes with {rep}: {because}."
            }
