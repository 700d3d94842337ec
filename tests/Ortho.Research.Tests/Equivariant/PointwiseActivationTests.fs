/// Which activations commute with which matrices and representations.
module Ortho.Tests.PointwiseActivationTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private named =
    [
        PointwiseActivation.relu
        PointwiseActivation.leakyRelu 0.1
        PointwiseActivation.leakyRelu -2.0
        PointwiseActivation.leakyRelu 1.0
        PointwiseActivation.abs
        PointwiseActivation.tanh
        PointwiseActivation.sin
        PointwiseActivation.softsign
        PointwiseActivation.sigmoid
        PointwiseActivation.softplus
        PointwiseActivation.gelu
        PointwiseActivation.silu
        PointwiseActivation.identity
        PointwiseActivation.affine -2.0 0.0
        PointwiseActivation.affine 0.5 1.5
        PointwiseActivation.affine 0.0 1.0
        PointwiseActivation.affine 0.0 0.0
    ]

let private float64 = TensorKind.float64

let private matrixOf (rows: float[][]) =
    torch.tensor(Array.concat rows, dtype = Nullable torch.float64).reshape(rows.LongLength, -1L)

/// The matrix with entry factors[i] at (i, order[i]).
let private monomial (order: int64[]) (factors: float[]) =
    Array.map2
        (fun (j: int64) factor -> Array.init order.Length (fun i -> if int64 i = j then factor else 0.0))
        order
        factors
    |> matrixOf

/// Matrices of n rows by what they are. Dense ones have enough entries that the two sides do not agree by chance.
let private families: (string * (int -> int64 -> torch.Tensor)) list =
    let factors seed n (choose: Random -> float) =
        let random = Random(Seed.derive seed 5)
        Array.init (int n) (fun _ -> choose random)

    let sparse (choose: Random -> float) seed n =
        monomial (ZooEntry.order seed n) (factors seed n choose)

    [
        "permutation", sparse (fun _ -> 1.0)
        "signs", sparse (fun random -> if random.Next 2 = 0 then 1.0 else -1.0)
        "positive factors", sparse (fun random -> 0.5 + random.NextDouble())
        "factors", sparse (fun random -> if random.Next 2 = 0 then 1.5 else -0.5)
        "zeros and ones", sparse (fun random -> float (random.Next 2))
        "zeros", sparse (fun _ -> 0.0)
        "rotation", (fun seed n -> Haar.specialOrthogonal seed float64 n)
        "generic", (fun seed n -> Seed.normal seed float64 [ n; n ])
        "rows that sum to 1",
        (fun seed n ->
            let a = Seed.uniform seed float64 [ n; n ]
            a.div (a.sum (1L, keepdim = true)))
        "repeated coordinates", (fun seed n -> (sparse (fun _ -> 1.0) seed n).repeat(2L, 1L))
        "doubled coordinates", (fun seed n -> (sparse (fun _ -> 1.0) seed n).repeat(1L, 2L))
    ]

/// Whether a residual is rounding; one that is neither rounding nor clearly more makes the test fail.
let private vanishes what (residual: float) =
    if residual <= 1e-11 then
        true
    else
        Expect.isGreaterThan residual 1e-6 $"{what}: neither rounding nor a difference"
        false

let private laws =
    [
        Property.check Property.config "a matrix is admitted if and only if f(A x) = A f(x)" (fun case ->
            let n = int64 (3 + case.Size)

            [
                for name, draw in families do
                    let a = draw case.Seed n

                    for f in named do
                        let holds =
                            PointwiseActivation.commutes case.Seed f (LinearMap.ofMatrix a)
                            |> vanishes $"{f} and {name}"

                        if PointwiseActivation.admits f a <> holds then
                            $"{f} and {name}: measured {holds}"
            ]
            |> fun wrong -> wrong.IsEmpty |> Prop.label (String.concat "; " wrong))

        Property.check Property.config "every named function has its class" (fun case ->
            named
            |> List.map (PointwiseActivation.classDefect case.Seed)
            |> List.reduce max
            |> Property.within 1e-12 "defect")

        testCase "a class that a function does not have is seen" (fun () ->
            let defect kind (f: torch.Tensor -> torch.Tensor) =
                PointwiseActivation.classDefect 1 (PointwiseActivation.ofFunction "f" kind f)

            let all =
                [
                    defect ActivationClass.Odd (fun x -> x.relu ())
                    defect ActivationClass.PositivelyHomogeneous (fun x -> x.tanh ())
                    defect ActivationClass.Linear (fun x -> x.abs ())
                    defect ActivationClass.Linear (fun x -> torch.ones_like x)
                    defect ActivationClass.Affine (fun x -> x.sigmoid ())
                    defect ActivationClass.Odd (fun x -> x.cos ())
                ]

            Expect.all all (fun x -> x > 0.05) $"{all}")
    ]

let private groups =
    [
        Group.symmetric 1
        Group.symmetric 4
        Group.alternating 3
        Group.alternating 2
        Group.automorphisms (Graph.Cycle 5)
        Group.automorphisms (Graph.OfEdges(2, [||]))
        Group.orthogonal 1
        Group.orthogonal 3
        Group.specialOrthogonal 1
        Group.specialOrthogonal 2
        Group.specialOrthogonal 3
        Group.symplectic 2
        Group.symplectic 4
    ]

/// Representations of a group by name, from (R^n)^0 up, with channels, products, sums.
let private representations (group: Group) =
    let power k = Rep.vector group |> Rep.tensorPower k

    [
        for k in 0 .. (if group.Dimension > 3 then 2 else 3) do
            yield power k
        yield Rep.channels 3 (power 1)
        yield Rep.channels 2 (power 0)
        yield Rep.trivial (Space.Of(2L, 3L)) group
        yield Rep.directSum (power 1) (power 0)
        yield Rep.directSum (power 2) (Rep.channels 2 (power 1))
        yield Rep.directSum (power 0) (power 2)
        yield Rep.tensor (Rep.directSum (power 1) (power 2)) (power 1)
        yield Rep.tensorPower 2 (Rep.directSum (power 0) (power 1))
    ]

let private answers =
    [
        for group in groups do
            testCase $"{group}: the answers are those of its elements" (fun () ->
                use _ = torch.NewDisposeScope()

                for rep in representations group do
                    let elements =
                        [| yield! Group.generators group; for seed in 1..5 -> Group.random seed group |]
                        |> Array.map rep.Of

                    for f in named do
                        let answer = PointwiseActivation.mayApply f rep

                        let residual =
                            elements |> Array.map (PointwiseActivation.commutes 7 f) |> Array.reduce max

                        Expect.equal answer.IsAllowed (vanishes $"{f} on {rep}" residual) $"{rep}: {answer}"

                        let isAdmitted =
                            elements
                            |> Array.forall (fun g -> PointwiseActivation.admits f (LinearMap.toMatrix g))

                        Expect.equal answer.IsAllowed isAdmitted $"{rep}: the dense matrices say otherwise")

        testCase "what fails only between signs of factors: -1 on both factors of a product is +1" (fun () ->
            let rep = Rep.vector (Group.orthogonal 1)

            let allowed k f =
                (PointwiseActivation.mayApply f (Rep.tensorPower k rep)).IsAllowed

            Expect.equal
                [ for k in 0..4 -> allowed k PointwiseActivation.relu ]
                [ true; false; true; false; true ]
                "ReLU"

            Expect.equal [ for k in 0..4 -> allowed k PointwiseActivation.tanh ] (List.replicate 5 true) "tanh"

            Expect.equal
                [ for k in 0..4 -> allowed k PointwiseActivation.sigmoid ]
                [ true; false; true; false; true ]
                "sigmoid")

        testCase "reasons are plain" (fun () ->
            let reason f (rep: Rep) =
                (PointwiseActivation.mayApply f rep).Reason

            let vector = Rep.vector (Group.orthogonal 3)

            Expect.equal
                (reason PointwiseActivation.relu vector)
                "ReLU does not commute with O(3) on R^3: an element mixes 2 coordinates into one, with which no pointwise function but an affine one commutes."
                "mixes"

            Expect.equal
                (reason PointwiseActivation.relu (Rep.vector (Group.orthogonal 1)))
                "ReLU does not commute with O(1) on R^1: an element multiplies a coordinate by -1, but ReLU lets only positive factors through."
                "signs"

            Expect.equal
                (reason PointwiseActivation.gelu (Rep.permutation 4))
                "GELU commutes with S_4 on R^4: every element permutes coordinates."
                "permutes"

            Expect.stringContains
                (reason PointwiseActivation.sigmoid (Rep.tensorPower 0 vector))
                "O(3) acts as the identity"
                "trivial"

            Expect.stringContains
                (reason (PointwiseActivation.affine 1.0 1.0) vector)
                "a row that does not sum to 1"
                "affine")

        testCase "a representation of millions of coordinates is judged by its factors" (fun () ->
            let power (group: Group) =
                Rep.vector group |> Rep.tensorPower 4 |> Rep.channels 64

            let may rep =
                (PointwiseActivation.mayApply PointwiseActivation.gelu rep).IsAllowed

            Expect.isTrue (may (power (Group.symmetric 30))) "S_30"
            Expect.isFalse (may (power (Group.specialOrthogonal 30))) "SO(30)")

        Property.check
            Property.config
            "a gate that looks at lengths commutes with O(n), where no entry's function does"
            (fun case ->
                let n = int64 (2 + case.Size)
                let x = Seed.normal case.Seed float64 [ 8L; n ]
                let g = Haar.orthogonal (case.Seed + 1) float64 n
                let gate (x: torch.Tensor) = x.mul (x.norm(1, true).sigmoid())
                let residual = Law.distance (gate (x.matmul (g.t ()))) ((gate x).matmul(g.t ()))

                let entry =
                    PointwiseActivation.commutes case.Seed PointwiseActivation.relu (LinearMap.ofMatrix g)

                (residual <= 1e-12 && entry > 1e-2)
                |> Prop.label $"gate {residual:E2}, ReLU {entry:E2}")
    ]

/// Stands for an equivariant layer whose output transforms by any representation.
type private Stand(rep: Rep) =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("Stand")
    member _.Rep = rep
    override _.forward x = x.alias ()

let private modelTests =
    let layer group k l =
        new EquivariantLayer(1, group, k, 2, l, 2) :> torch.nn.Module<_, _>

    let sequence (layers: torch.nn.Module<torch.Tensor, torch.Tensor> list) = torch.nn.Sequential layers

    let symmetric = Group.symmetric 4

    let warn (layers: torch.nn.Module<torch.Tensor, torch.Tensor> list) =
        use model = sequence layers
        EquivarianceWarnings.ofModules [ model ]

    let all () : torch.nn.Module<torch.Tensor, torch.Tensor> list =
        [
            torch.nn.ReLU()
            torch.nn.LeakyReLU()
            torch.nn.PReLU(1)
            torch.nn.Tanh()
            torch.nn.Softsign()
            torch.nn.Tanhshrink()
            torch.nn.Softshrink()
            torch.nn.Hardtanh()
            torch.nn.Hardtanh(-1.0, 2.0)
            torch.nn.Sigmoid()
            torch.nn.LogSigmoid()
            torch.nn.Hardsigmoid()
            torch.nn.Softplus()
            torch.nn.GELU()
            torch.nn.SiLU()
            torch.nn.Hardswish()
            torch.nn.Mish()
            torch.nn.ELU()
            torch.nn.SELU()
            torch.nn.CELU()
            torch.nn.ReLU6()
            torch.nn.Identity()
        ]

    [
        testCase "permutations take every pointwise activation" (fun () ->
            Expect.isEmpty
                (warn
                    [
                        layer symmetric 2 2
                        yield! all ()
                        sequence [ layer symmetric 2 1; torch.nn.GELU() ]
                        torch.nn.Tanh()
                    ])
                "no warning")

        testCase "of all activations, those of the right class stay when signs or rotations act" (fun () ->
            let silent (rep: Rep) =
                all ()
                |> List.filter (fun activation ->
                    [| new Stand(rep) :> torch.nn.Module; activation |]
                    |> EquivarianceWarnings.ofModulesWith (fun layer ->
                        match layer with
                        | :? Stand as layer -> [| layer.Rep |]
                        | _ -> [||])
                    |> Array.isEmpty)
                |> List.map _.GetName()

            let odd = [ "Tanh"; "Softsign"; "Tanhshrink"; "Softshrink"; "Hardtanh"; "Identity" ]
            let signs = Rep.vector (Group.orthogonal 1)
            Expect.equal (silent signs) odd "O(1)"
            Expect.equal (silent (Rep.vector (Group.specialOrthogonal 3))) [ "Identity" ] "SO(3)"
            Expect.equal (silent (Rep.tensorPower 2 signs)).Length (all ()).Length "scalars"

            // Sets of vectors: permutations mind no activation, turns do.
            let sets =
                Equivariant.local
                    1
                    [ Group.symmetric 4; Group.specialOrthogonal 3 ]
                    (Features.local [ 1; 1 ] 2)
                    (Features.local [ 1; 1 ] 2)

            let warnings = EquivarianceWarnings.ofModules [ sets; torch.nn.ReLU() ]
            Expect.equal warnings.Length 1 "S_4 x SO(3)"
            Expect.stringContains warnings[0] "SO(3)" "the factor that minds"

            // The functions themselves say the same: f(-t) = -f(t) up to rounding, or not at all. Not asked of Hardtanh, which
            // in TorchSharp 0.107 gives its argument back, whatever its bounds: it is judged by what it is documented to be.
            use _ = torch.NewDisposeScope()

            let measured =
                all ()
                |> List.filter (fun layer -> not (layer :? Modules.Hardtanh))
                |> List.filter (fun layer ->
                    layer.``to`` torch.float64 |> ignore

                    PointwiseActivation.ofFunction "f" ActivationClass.Odd layer.forward
                    |> PointwiseActivation.classDefect 1
                    |> vanishes $"{layer}")
                |> List.map _.GetName()

            Expect.equal measured (List.except [ "Hardtanh" ] odd) "measured")

        testCase "an unknown module is a warning, once, until the next equivariant layer" (fun () ->
            let warnings =
                warn
                    [
                        torch.nn.Linear(2, 2)
                        torch.nn.ReLU()
                        layer symmetric 1 1
                        torch.nn.Softmax 1L
                        torch.nn.Linear(2, 2)
                        layer symmetric 1 1
                        torch.nn.PReLU 2
                    ]

            Expect.equal warnings.Length 2 $"{warnings}"
            Expect.stringContains warnings[0] "module 3: Softmax is unknown" "softmax"
            Expect.stringContains warnings[1] "module 6: PReLU is unknown" "slopes for each channel")
    ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()

        let admits a =
            PointwiseActivation.admits PointwiseActivation.relu a |> ignore

        Refusal.expect "axes" (fun () -> admits (torch.ones (3L, dtype = torch.float64)))
        Refusal.expect "type" (fun () -> admits (torch.ones (3L, 3L)))
        Refusal.expect "empty" (fun () -> admits (torch.ones (0L, 3L, dtype = torch.float64)))

        Refusal.expect "NaN" (fun () ->
            admits (
                torch
                    .zeros(2L, 2L, dtype = torch.float64)
                    .reciprocal()
                    .sub(torch.zeros(2L, 2L, dtype = torch.float64).reciprocal())
            ))

        Refusal.expect "slope" (fun () -> PointwiseActivation.leakyRelu nan |> ignore)
        Refusal.expect "offset" (fun () -> PointwiseActivation.affine 1.0 infinity |> ignore)

        Refusal.expect "integers" (fun () ->
            PointwiseActivation.tanh.Apply(torch.ones (3L, dtype = torch.int64)) |> ignore)

        let sum =
            PointwiseActivation.ofFunction "sum" ActivationClass.Linear (fun x -> x.sum ())

        Expect.throwsT<InvalidOperationException> (fun () -> sum.Apply(torch.ones 3L) |> ignore) "another shape")

let private memory =
    testCase "nothing is left behind" (fun () ->
        use _ = torch.NewDisposeScope()
        let a = Haar.orthogonal 1 float64 4L
        let zero = torch.zeros (4L, 4L, dtype = torch.float64)
        let rep = Rep.vector (Group.orthogonal 3) |> Rep.tensorPower 2 |> Rep.channels 2

        let work () =
            for f in named do
                PointwiseActivation.admits f a |> ignore
                PointwiseActivation.admits f zero |> ignore
                PointwiseActivation.commutes 1 f (LinearMap.ofMatrix a) |> ignore
                PointwiseActivation.classDefect 1 f |> ignore
                PointwiseActivation.mayApply f rep |> ignore
                (f.Apply a).Dispose()

        work ()
        let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
        work ()
        // The transposes that ofMatrix keeps until the scope ends: one for each function.
        let kept = int64 named.Length
        Expect.equal (DisposeScopeManager.Statistics.ThreadTotalLiveCount - before) kept "live tensors")

let tests =
    testList "pointwise activations" [ yield! laws; yield! answers; yield! modelTests; refusals; memory ]
