/// Digits drawn by code: strokes with jitter, rendered in 28 x 28 grey values like those of MNIST.
[<RequireQualifiedAccess>]
module Ortho.Lab.SyntheticDigits

open System

/// The side of a picture in pixels.
let side = 28

/// A stroke in the unit square, y downwards: a line through points, or an arc of an ellipse between two angles in degrees,
/// clockwise on the page from the positive x axis.
type private Stroke =
    | Line of (float * float) list
    | Arc of centre: (float * float) * radii: (float * float) * from: float * upTo: float

/// The strokes of a digit; some have two hands.
let private strokes (digit: int) (variant: int) =
    match digit, variant with
    | 0, _ -> [ Arc((0.5, 0.5), (0.29, 0.43), 0.0, 360.0) ]
    | 1, 0 -> [ Line [ 0.5, 0.06; 0.5, 0.94 ] ]
    | 1, _ -> [ Line [ 0.33, 0.26; 0.53, 0.06; 0.53, 0.94 ] ]
    | 2, _ ->
        [
            Arc((0.48, 0.31), (0.28, 0.25), 190.0, 395.0)
            Line [ 0.71, 0.45; 0.2, 0.92; 0.82, 0.92 ]
        ]
    | 3, _ ->
        [
            Arc((0.45, 0.28), (0.27, 0.22), 205.0, 450.0)
            Arc((0.45, 0.71), (0.3, 0.22), 270.0, 515.0)
        ]
    | 4, 0 -> [ Line [ 0.3, 0.06; 0.2, 0.56; 0.82, 0.56 ]; Line [ 0.66, 0.12; 0.64, 0.95 ] ]
    | 4, _ -> [ Line [ 0.64, 0.95; 0.64, 0.06; 0.16, 0.64; 0.86, 0.64 ] ]
    | 5, _ ->
        [
            Line [ 0.76, 0.08; 0.32, 0.08; 0.28, 0.46 ]
            Arc((0.45, 0.66), (0.3, 0.27), 232.0, 510.0)
        ]
    | 6, _ ->
        [
            Arc((0.79, 0.62), (0.57, 0.57), 178.0, 260.0)
            Arc((0.5, 0.69), (0.27, 0.24), 0.0, 360.0)
        ]
    | 7, 0 -> [ Line [ 0.18, 0.1; 0.8, 0.1; 0.42, 0.94 ] ]
    | 7, _ -> [ Line [ 0.18, 0.1; 0.8, 0.1; 0.4, 0.94 ]; Line [ 0.36, 0.5; 0.76, 0.5 ] ]
    | 8, _ ->
        [
            Arc((0.5, 0.28), (0.22, 0.21), 0.0, 360.0)
            Arc((0.5, 0.71), (0.27, 0.23), 0.0, 360.0)
        ]
    | _ ->
        [
            Arc((0.5, 0.32), (0.26, 0.25), 0.0, 360.0)
            Line [ 0.76, 0.34; 0.74, 0.6; 0.62, 0.95 ]
        ]

let private points (stroke: Stroke) =
    match stroke with
    | Line points -> points
    | Arc((cx, cy), (rx, ry), from, upTo) ->
        let steps = int (ceil (abs (upTo - from) / 20.0))

        [
            for i in 0..steps do
                let angle = (from + (upTo - from) * float i / float steps) * Math.PI / 180.0
                cx + rx * cos angle, cy + ry * sin angle
        ]

/// Adds a line with soft edges: full ink within the radius, none one pixel farther.
let private ink (picture: Span<byte>) (radius: float) (x0: float, y0: float) (x1: float, y1: float) =
    let dx, dy = x1 - x0, y1 - y0
    let square = max 1e-9 (dx * dx + dy * dy)
    let reach = radius + 1.0
    let first a b = max 0 (int (floor (min a b - reach)))

    let last a b =
        min (side - 1) (int (ceil (max a b + reach)))

    for y in first y0 y1 .. last y0 y1 do
        for x in first x0 x1 .. last x0 x1 do
            let px, py = float x - x0, float y - y0
            let along = Math.Clamp((px * dx + py * dy) / square, 0.0, 1.0)
            let ex, ey = px - along * dx, py - along * dy
            let grey = 255.0 * Math.Clamp(reach - sqrt (ex * ex + ey * ey), 0.0, 1.0)
            let at = side * y + x
            picture[at] <- max picture[at] (byte grey)

/// One digit: its strokes, bent a little, then turned, sheared, scaled and moved as a hand would.
let private render (random: Random) (digit: int) (picture: Span<byte>) =
    let between low high =
        low + (high - low) * random.NextDouble()

    let turn = between -0.2 0.2
    let shear = between -0.15 0.3
    let width, height = between 13.0 19.0, between 18.0 21.0
    let left, top = 13.5 + between -1.5 1.5, 13.5 + between -1.5 1.5
    let radius = between 0.4 1.3
    let bend = Array.init 4 (fun _ -> between -0.035 0.035)
    let phase = between 0.0 6.28

    let place (x, y) =
        let x = x + bend[0] * sin (6.0 * y + phase) + bend[1] * sin (3.0 * x)
        let y = y + bend[2] * sin (6.0 * x + phase) + bend[3] * sin (3.0 * y)
        let x, y = (x - 0.5) * width, (y - 0.5) * height
        let x = x - shear * y
        left + x * cos turn - y * sin turn, top + x * sin turn + y * cos turn

    for stroke in strokes digit (random.Next 2) do
        let placed = points stroke |> List.map place

        for (from, upTo) in List.pairwise placed do
            ink picture radius from upTo

/// <summary>Pictures and labels of digits, the classes in random order, each about equally often.</summary>
/// <param name="seed">Same seed, same digits.</param>
/// <param name="count">How many; not negative.</param>
/// <returns>`count` pictures of 28 x 28 bytes one after the other (0 paper, 255 ink), and `count` labels 0 to 9.</returns>
let draw (seed: int) (count: int) =
    ArgumentOutOfRangeException.ThrowIfNegative(count, nameof count)
    let random = Random seed
    let pictures = Array.zeroCreate<byte>(count * side * side)
    let labels = Array.init count (fun i -> byte (i % 10))
    random.Shuffle labels

    for i in 0 .. count - 1 do
        render random (int labels[i]) (pictures.AsSpan(i * side * side, side * side))

    struct (pictures, labels)
