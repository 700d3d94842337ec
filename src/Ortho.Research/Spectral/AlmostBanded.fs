/// <summary>Square systems whose first rows are dense and whose other rows are banded, in time and memory proportional to their size.</summary>
/// <remarks>QR by Givens rotations, Olver and Townsend 2013, section 5: to the right of the band every row of R is a combination of the dense rows, and only the coefficients
/// of that combination are kept.</remarks>
[<RequireQualifiedAccess>]
module internal Ortho.AlmostBanded

open System

/// <summary>The solutions x of [dense; banded] x = right, one for each right, or None where R has a pivot that is rounding beside its row.</summary>
/// <param name="dense">k rows of n numbers, k at least 1.</param>
/// <param name="lower">Row i of the banded part has columns i - lower, ..., i + upper.</param>
/// <param name="upper">At least k.</param>
/// <param name="banded">Entry of row i below n - k and column j in its band.</param>
/// <param name="rights">One or more arrays of n numbers.</param>
let trySolve
    (dense: float[][])
    (lower: int)
    (upper: int)
    (banded: int -> int -> float)
    (rights: float[][])
    : float[][] option =
    let k, n = dense.Length, rights[0].Length
    // With the dense rows on top, row i has columns i - reach, ..., i + upper - k.
    let reach = lower + k
    let width = reach + upper - k + 1
    let rows = Array.init n (fun _ -> Array.zeroCreate<float> width)
    // What the row is beyond its stored columns, in terms of the dense rows.
    let tails =
        Array.init n (fun i -> Array.init k (fun d -> if i = d then 1.0 else 0.0))

    let rights = rights |> Array.map Array.copy

    // The entry of row i in a column that it does not store.
    let tail (i: int) (column: int) =
        let mutable sum = 0.0

        if column < n then
            for d in 0 .. k - 1 do
                if tails[i][d] <> 0.0 then
                    sum <- sum + tails[i][d] * dense[d][column]

        sum

    // Row i becomes active with its entries from a column on: at step j rows store the columns from j on.
    let enter (i: int) (first: int) =
        for place in 0 .. width - 1 do
            let column = first + place

            rows[i][place] <-
                if column >= n then
                    0.0
                elif i < k then
                    dense[i][column]
                elif column >= i - k - lower && column <= i - k + upper then
                    banded (i - k) column
                else
                    0.0

    for i in 0 .. min (reach - 1) (n - 1) do
        enter i 0

    let mutable regular = true

    for j in 0 .. n - 1 do
        if j + reach < n then
            enter (j + reach) j

        let pivot = rows[j]

        for i in j + 1 .. min (j + reach) (n - 1) do
            let other = rows[i]

            if other[0] <> 0.0 then
                let length = Math.Sqrt(pivot[0] * pivot[0] + other[0] * other[0])
                let c, s = pivot[0] / length, other[0] / length

                for place in 0 .. width - 1 do
                    let a, b = pivot[place], other[place]
                    pivot[place] <- c * a + s * b
                    other[place] <- c * b - s * a

                for d in 0 .. k - 1 do
                    let a, b = tails[j][d], tails[i][d]
                    tails[j][d] <- c * a + s * b
                    tails[i][d] <- c * b - s * a

                for right in rights do
                    let a, b = right[j], right[i]
                    right[j] <- c * a + s * b
                    right[i] <- c * b - s * a

        let most = pivot |> Array.fold (fun most x -> max most (abs x)) 0.0
        regular <- regular && abs pivot[0] > 1e-14 * most
        // The rows that stay active move one column on.
        for i in j + 1 .. min (j + reach) (n - 1) do
            let row = rows[i]
            Array.Copy(row, 1, row, 0, width - 1)
            row[width - 1] <- tail i (j + width)

    if not regular then
        None
    else
        rights
        |> Array.map (fun right ->
            let x = Array.zeroCreate<float> n
            // Sums of dense row times x over the columns beyond what row j stores.
            let sums = Array.zeroCreate<float> k

            for j in n - 1 .. -1 .. 0 do
                if j + width < n then
                    for d in 0 .. k - 1 do
                        sums[d] <- sums[d] + dense[d][j + width] * x[j + width]

                let mutable value = right[j]

                for place in 1 .. min (width - 1) (n - 1 - j) do
                    value <- value - rows[j][place] * x[j + place]

                for d in 0 .. k - 1 do
                    value <- value - tails[j][d] * sums[d]

                x[j] <- value / rows[j][0]

            x)
        |> Some
