module Ortho.Tests.Lab.PictureTests

open System
open Expecto
open Ortho
open Ortho.Lab
open Ortho.Tests
open Plotly.NET

let private law name (holds: Algebra.Stack -> bool) =
    testPropertyWithConfig Algebra.Config.cheap name holds

let private style = DiagramPicture.defaults
let private plain = DiagramPicture.sketch style

/// The vertices that a stroke ends at, by their places.
let private ends (sketch: Sketch) (stroke: Stroke) =
    let vertex point =
        sketch.Dots |> List.findIndex (fun dot -> dot.Place = point)

    vertex stroke.Points.Head, vertex (List.last stroke.Points)

/// The points of a cubic curve at 101 times.
let private along (stroke: Stroke) =
    let p = Array.ofList stroke.Points

    [
        for i in 0..100 do
            let t = float i / 100.0
            let s = 1.0 - t
            let weights = [| s * s * s; 3.0 * s * s * t; 3.0 * s * t * t; t * t * t |]

            let sum coordinate =
                Array.map2 (fun w q -> w * coordinate q) weights p |> Array.sum

            { X = sum _.X; Y = sum _.Y }
    ]

/// From 0 to a bound, but for the rounding of a point on a curve.
let private isWithin bound x = x >= -1e-12 && x <= bound + 1e-12

let private diagrams =
    [
        law "every vertex is a dot of its block's colour, in its row, left to right" (fun c ->
            let d = c.D1
            let dots = (plain d).Dots
            let top, bottom = List.splitAt d.TopCount dots

            let isRow y (row: Dot list) =
                row |> List.forall (fun dot -> dot.Place.Y = y)
                && row |> List.pairwise |> List.forall (fun (a, b) -> b.Place.X - a.Place.X = 1.0)

            dots.Length = d.TopCount + d.BottomCount
            && isRow style.Height top
            && isRow 0.0 bottom
            && dots
               |> List.mapi (fun v dot -> dot.Colour = Figure.palette[d.BlockOf v % Figure.palette.Length])
               |> List.forall id)

        law "strands join exactly the vertices of a block, as few as can be, in its colour" (fun c ->
            let d = c.D1
            let sketch = plain d
            // Vertices that strands connect, by merging labels.
            let labels = Array.init (d.TopCount + d.BottomCount) id

            for a, b in sketch.Strokes |> List.map (ends sketch) do
                let before, after = labels[a], labels[b]

                labels
                |> Array.iteri (fun v label ->
                    if label = before then
                        labels[v] <- after)

            SetPartition.ofLabels labels = d.Partition
            && sketch.Strokes.Length = labels.Length - d.BlockCount
            && sketch.Strokes
               |> List.forall (fun stroke -> stroke.Colour = sketch.Dots[fst (ends sketch stroke)].Colour))

        law "arcs bend inwards and stay in their half, wider ones deeper; nothing leaves the sketch" (fun c ->
            let sketch = plain c.D1
            let half = style.Height / 2.0

            let top, rest =
                sketch.Strokes
                |> List.partition (fun s -> s.Points.Head.Y > half && (List.last s.Points).Y > half)

            let depth s =
                style.Height - (along s |> List.map _.Y |> List.min)

            let span (s: Stroke) =
                (List.last s.Points).X - s.Points.Head.X

            top |> List.forall (fun s -> depth s > 0.1 && depth s < half)
            && List.allPairs top top
               |> List.forall (fun (a, b) -> span a <= span b || depth a > depth b)
            && (top @ rest)
               |> List.collect along
               |> List.forall (fun p -> isWithin sketch.Width p.X && isWithin sketch.Height p.Y))

        testCase "the fifteen of 2 -> 2 in one chart: 60 dots, 23 strands, 15 captions" (fun () ->
            // 15 x 4 vertices less 37 blocks: 1 of one, 7 of two, 6 of three, 1 of four.
            let chart =
                Diagram.enumerate 2 2
                |> Array.map (fun d -> string d.Partition, d)
                |> DiagramPicture.grid 5

            let text = Figure.html chart
            let count (part: string) = text.Split(part).Length - 1
            Expect.equal (count "\"type\":\"path\"") 23 "strands"
            Expect.equal (count "\"showarrow\":false") 15 "captions"
            Expect.equal (count "\"scaleanchor\":\"x\"") 1 "one scale"

            let traces = GenericChart.getTraces chart
            Expect.equal traces.Length 1 "the dots"

            Expect.hasLength
                (Seq.cast<obj> (traces.Head.TryGetTypedPropertyValue<seq<float>> "x").Value
                 |> Seq.toList)
                60
                "each")

        testCase "two diagrams of one chart do not overlap" (fun () ->
            let chart = DiagramPicture.grid 2 [ for _ in 1..4 -> "", Diagram.identity 3 ]
            let trace = (GenericChart.getTraces chart).Head

            let numbers name =
                (trace.TryGetTypedPropertyValue<seq<float>> name).Value |> Seq.toList

            let places = List.zip (numbers "x") (numbers "y")
            Expect.hasLength (List.distinct places) 24 "places")
    ]

let private heads =
    [
        testCase "a head of free vertices has a tentacle to each, and they are hollow" (fun () ->
            for n in 1..3 do
                for d in Brauer.enumerate n 3 (n % 2 + 1) do
                    let sketch = DiagramPicture.sketch DiagramPicture.determinant d
                    let pairs = (d.TopCount + d.BottomCount - n) / 2
                    Expect.hasLength sketch.Strokes (n + 1 + pairs) "tentacles, head, strands"
                    let feet = sketch.Strokes[.. n - 1] |> List.map (fun s -> List.last s.Points)
                    let free = Brauer.freeVertices d |> Array.map (fun v -> sketch.Dots[v].Place)
                    Expect.containsAll feet free "feet"

                    Expect.equal
                        (sketch.Dots |> List.map _.IsHollow)
                        [
                            for v in 0 .. d.TopCount + d.BottomCount - 1 -> Array.contains v (Brauer.freeVertices d)
                        ]
                        "hollow")

        testCase "a jellyfish has n tentacles, a loose one for n - 1 blocks" (fun () ->
            for d in Diagram.enumerate 2 2 do
                if d.BlockCount = 2 || d.BlockCount = 3 then
                    let sketch = DiagramPicture.sketch (DiagramPicture.jellyfish 3) d
                    Expect.hasLength sketch.Strokes (3 + 1 + 4 - d.BlockCount) "tentacles, head, strands"

                    let held =
                        sketch.Strokes[..2]
                        |> List.filter (fun s ->
                            sketch.Dots |> List.exists (fun dot -> dot.Place = List.last s.Points))

                    Expect.hasLength held d.BlockCount "one to each block")
    ]

let private graphs =
    testCase "a bilabelled graph has its vertices, labels, edges and loops" (fun () ->
        let path = BilabelledGraph.Of(Graph.Path 3, [| 0; 2 |], [| 1 |])
        let sketch = GraphPicture.sketch path
        Expect.hasLength sketch.Dots (3 + 3) "vertices and labels"
        Expect.hasLength sketch.Strokes (3 + 2) "lines and edges"
        let tied = sketch.Strokes[..2] |> List.map (fun s -> List.last s.Points)
        Expect.equal tied [ for v in [ 0; 2; 1 ] -> sketch.Dots[v].Place ] "labels are tied to their vertices"

        let isTop =
            sketch.Dots[3..] |> List.map (fun dot -> dot.Place.Y > sketch.Height / 2.0)

        Expect.equal isTop [ true; true; false ] "two above, one below"

        // An edge whose ends are glued.
        let glue = BilabelledGraph.Of(Graph.Complete 1, [| 0; 0 |], [||])
        let loop = BilabelledGraph.Of(Graph.Path 2, [||], [| 0; 1 |]).Compose glue
        let stroke = (GraphPicture.sketch loop).Strokes |> List.exactlyOne
        Expect.equal stroke.Points.Head (List.last stroke.Points) "a loop comes back"

        for size in 1..7 do
            let dots =
                (GraphPicture.sketch (BilabelledGraph.Of(Graph.Complete size, [| 0 |], [||]))).Dots

            Expect.hasLength (dots |> List.map _.Place |> List.distinct) (size + 1) "places")

let private refusals =
    testCase "bad input is refused" (fun () ->
        let pair, one = Diagram.identity 1, [ "", Diagram.identity 1 ]

        let draw style d () =
            DiagramPicture.drawWith style d |> ignore

        Refusal.expect "no free vertex" (draw DiagramPicture.determinant pair)

        Refusal.expect
            "a block of three"
            (draw DiagramPicture.determinant (Diagram.ofBlocks 2 2 [ [ 0; 1; 2 ]; [ 3 ] ]))

        Refusal.expect "blocks" (draw (DiagramPicture.jellyfish 3) pair)
        Refusal.expect "height" (draw { style with Height = 0.0 } pair)
        Refusal.expect "NaN" (draw { style with Height = nan } pair)
        Refusal.expect "columns" (fun () -> DiagramPicture.grid 0 one |> ignore)
        Refusal.expect "none" (fun () -> DiagramPicture.grid 2 [] |> ignore)
        Refusal.expect "null" (draw style (Unchecked.defaultof<Diagram>))
        Refusal.expect "null graph" (fun () -> GraphPicture.draw Unchecked.defaultof<BilabelledGraph> |> ignore)

        Refusal.expect "no size" (fun () ->
            Figure.titled "a title" (Chart.Point(x = [ 1 ], y = [ 1 ], UseDefaults = false))
            |> ignore))

let private titles =
    testCase "a title makes the chart higher by its lines" (fun () ->
        let height title =
            let chart = DiagramPicture.draw (Diagram.identity 2) |> Figure.titled title
            ((GenericChart.getLayout chart).TryGetTypedPropertyValue<int> "height").Value

        Expect.equal (height (String.replicate 20 "long words ") - height "short") 48 "three lines instead of one")

let tests =
    testList
        "Pictures"
        [
            testList "diagrams" diagrams
            testList "heads" heads
            graphs
            refusals
            titles
        ]
