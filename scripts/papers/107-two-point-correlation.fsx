#!/usr/bin/env -S dotnet fsi
// On the generation of periodic discrete structures with identical two-point correlation (2002.01234): structures that all two-point statistics
// confuse. The search on Z_n for the smallest, the published roots, and children of them: refined by tiles, embedded, with phases fused.
#load "../figures.fsx"

open Plotly.NET
open TorchSharp
open Ortho
open Ortho.Lab

let most = Experiment.size 18 14 // sets are searched on Z_1, ..., Z_most
let draws = Experiment.size 200 20 // random structures or tiles for each law and seed

let ofSet (n: int) (set: int list) =
    torch.tensor [| for i in 0 .. n - 1 -> if List.contains i set then 1L else 0L |]

/// The published root on 4 x 3: rows 112, 122, 221, 122 and 112, 221, 221, 221, phases from 0.
let root =
    [ "001011110011"; "001110110110" ]
    |> List.map (fun cells -> (torch.tensor [| for cell in cells -> int64 cell - int64 '0' |]).reshape(4L, 3L))

let areEqual phases (pair: torch.Tensor list) =
    TwoPointCorrelation.areEqual phases pair[0] pair[1]

let areConfused phases (pair: torch.Tensor list) =
    areEqual phases pair
    && not (TwoPointCorrelation.areRelated phases pair[0] pair[1])

/// The sums of the definition on a line: I_q at x + r is I_q, moved back by r.
let direct (phases: int64) (s: torch.Tensor) =
    let cells = (torch.nn.functional.one_hot (s, phases)).t()
    torch.stack ([| for r in 0L .. s.size 0 - 1L -> cells.matmul ((cells.roll (-r, 1L)).t()) |], -1L)

let random seed (high: int64) (shape: int64 list) =
    torch.randint (0L, high, Array.ofList shape, torch.int64, generator = Seed.generator seed torch.CPU)

/// Children of the root on 48 x 36 cells, by tiles of 12 x 12 random cells of three phases.
let children seed =
    root |> List.map (TwoPointCorrelation.refine (random seed 3L [ 2L; 12L; 12L ]))

let fused = List.map (TwoPointCorrelation.coalesce [ 0; 1; 0 ])

let embedded z =
    List.map (TwoPointCorrelation.embed 2 z)

/// The claim that no draw of any seed breaks a law.
let law what source holds =
    Claim.overSeeds [ 1; 2; 3 ] (fun seed ->
        Claim.equals $"{what}: wrong of {draws}" (source, 0) (fun () ->
            use _ = torch.NewDisposeScope()
            List.init draws (Seed.derive seed) |> List.filter (holds >> not) |> List.length))

let classes = lazy Map [ for n in 1..most -> n, TwoPointCorrelation.confusedSets n ]

let count n = classes.Value[n].Count

let code =
    Experiment.run
        "107"
        "On the generation of periodic discrete structures with identical two-point correlation (2002.01234)"
        [
            law "C by FFT, rounded, is the sum of the definition" Ours (fun draw ->
                let s = random draw 3L [ 31L ]
                (TwoPointCorrelation.ofStructure 3 s).Equals(direct 3L s))
            law "a translation or, of two phases, a reflection leaves C" (Paper "equivalence") (fun draw ->
                let s = random draw 2L [ 9L; 7L ]

                areEqual 2 [ s; s.roll ([| 3L; 2L |], [| 0L; 1L |]) ]
                && areEqual 2 [ s; s.flip [| 0L; 1L |] ])
            Claim.equals "classes of confused sets on Z_1, ..., Z_11" (Paper "search", 0) (fun () ->
                List.sumBy count [ 1..11 ])
            Claim.equals "classes on Z_12, Z_13, Z_14" (Ours, [ 4; 3; 12 ]) (fun () -> List.map count [ 12..14 ])
            Claim.holds "the root {0,1,2,4,7}, {0,1,3,5,6} on Z_12 is confused" (Paper "1-D root") (fun () ->
                areConfused 2 [ ofSet 12 [ 0; 1; 2; 4; 7 ]; ofSet 12 [ 0; 1; 3; 5; 6 ] ])
            Claim.holds "every class of the search is confused by FFT too" Ours (fun () ->
                let sets n =
                    Seq.map (Seq.map (List.ofArray >> ofSet n) >> List.ofSeq)

                classes.Value
                |> Map.forall (fun n all -> all |> sets n |> Seq.forall (areConfused 2)))
            Claim.holds "the root on 4 x 3 with 5 events is confused" (Paper "2-D root") (fun () -> areConfused 2 root)
            law "children by random tiles on 48 x 36: equal C" (Paper "kernels") (children >> areEqual 3)
            law "embedded with zeros: equal C" (Paper "embedding") (fun draw ->
                root |> embedded [ 1L + int64 (draw % 4); 3L ] |> areEqual 3)
            law "phases of children fused: equal C" (Paper "coalescence") (children >> fused >> areEqual 2)
            Claim.overSeeds [ 1; 2; 3 ] (fun seed ->
                Claim.holds "the children on 48 x 36 are no copies" Ours (fun () -> areConfused 3 (children seed)))
        ]

printfn "\nClasses of sets on Z_n that two-point correlations confuse, up to translation, reflection and complement"

Report.table
    [ "n"; "classes"; "largest class"; "a smallest pair" ]
    [
        for n in 12..most do
            let pair = classes.Value[n] |> Seq.minBy (fun sets -> sets[0].Length)
            let text (set: int[]) = String.concat " " (Seq.map string set)

            [
                $"{n}"
                $"{count n}"
                $"{classes.Value[n] |> Seq.map _.Count |> Seq.max}"
                $"{text pair[0]} | {text pair[1]}"
            ]
    ]

// Two children, and what they share: C of phase 1 beside its value at distance 0, which lies in the middle.
let pair = children 1 |> fused

let shared =
    (TwoPointCorrelation.ofStructure 2 pair[0]).[1L, 1L].``to`` torch.float64

let centred = shared.div(shared.max ()).roll([| 24L; 18L |], [| 0L; 1L |])

List.zip [ "one child"; "the other"; "C of both" ] (pair @ [ centred ])
|> List.map (fun (name, x) ->
    let rows = x.``to``(torch.float64).data<float>().ToArray() |> Array.chunkBySize 36

    Chart.Heatmap(zData = rows, ColorScale = StyleParam.Colorscale.Viridis, ShowScale = (name = "C of both"))
    |> Chart.withXAxisStyle (TitleText = name, TitleStandoff = 8))
|> Chart.Grid(1, 3)
|> Figure.themed
    "Two children of the 4 x 3 root that no two-point correlation tells apart (2002.01234)"
    "one child"
    "cell"
|> Chart.withSize (700, 345)
|> Figure.save "107-children"

exit code
