namespace Ortho

open System
open System.Collections.Generic

/// Nodes and weights: the sum of weight times value stands for an integral.
[<NoEquality; NoComparison>]
type QuadratureRule =
    {
        /// Ascending.
        Nodes: IReadOnlyList<float>
        /// One for each node.
        Weights: IReadOnlyList<float>
    }

/// <summary>Polynomials phi_0 = First, phi_(k+1) = (Slope_k x + Shift_k) phi_k - Back_k phi_(k-1), k below the size, with the integrals Norms_k of phi_k^2 w.</summary>
[<NoEquality; NoComparison>]
type internal ThreeTerm =
    {
        First: float
        Slope: float[]
        Shift: float[]
        Back: float[]
        Norms: float[]
    }

    member this.Size = this.Norms.Length

    /// From functions of k.
    static member OfFunctions(size, first, slope, shift, back, norm) =
        {
            First = first
            Slope = Array.init size slope
            Shift = Array.init size shift
            Back = Array.init size back
            Norms = Array.init size norm
        }

/// <summary>Gauss quadrature of any weight whose orthogonal polynomials have a known three-term recurrence.</summary>
/// <remarks>Golub and Welsch 1969: the nodes are the eigenvalues of the symmetric tridiagonal Jacobi matrix, here by implicit QL, O(n^2), and then by Newton steps on the
/// recurrence; the weights are 1 / sum_k p_k(x_j)^2 over the orthonormal polynomials. The recurrence runs with a binary exponent of its own, so that it neither overflows nor
/// underflows; a weight below 5e-324 is 0.</remarks>
[<RequireQualifiedAccess>]
module GaussQuadrature =

    /// The eigenvalues of the symmetric tridiagonal matrix, ascending, by implicit QL (Wilkinson and Reinsch 1971, tql1).
    let private eigenvalues (diagonal: float[]) (offDiagonal: float[]) : float[] =
        let d, n = Array.copy diagonal, diagonal.Length
        let e = Array.append offDiagonal [| 0.0 |]

        for l in 0 .. n - 1 do
            let small () =
                let mutable m = l

                while m < n - 1 && abs e[m] > 1.1e-16 * (abs d[m] + abs d[m + 1]) do
                    m <- m + 1

                m

            let mutable m = small ()

            while m > l do
                let mutable g = (d[l + 1] - d[l]) / (2.0 * e[l])
                let r = Math.CopySign(sqrt (g * g + 1.0), g)
                g <- d[m] - d[l] + e[l] / (g + r)
                let mutable s, c, p, i = 1.0, 1.0, 0.0, m - 1

                while i >= l do
                    let f, b = s * e[i], c * e[i]
                    let r = sqrt (f * f + g * g)
                    e[i + 1] <- r

                    if r = 0.0 then
                        d[i + 1] <- d[i + 1] - p
                        e[m] <- 0.0
                        i <- -2
                    else
                        s <- f / r
                        c <- g / r
                        g <- d[i + 1] - p
                        let r = (d[i] - g) * s + 2.0 * c * b
                        p <- s * r
                        d[i + 1] <- g + p
                        g <- c * r - b
                        i <- i - 1

                if i > -2 then
                    d[l] <- d[l] - p
                    e[l] <- g
                    e[m] <- 0.0

                m <- small ()

        Array.sort d

    /// Values are kept below 2^bits, and their exponent counts in steps of that.
    let private bits = 500

    /// <summary>At x: the Newton step phi_n / phi_n', and the weight 1 / sum_k phi_k^2 / h_k at the end of that step, as number 2^(-2 exponent).</summary>
    let private at (terms: ThreeTerm) (x: float) : struct (float * float * int) =
        let large, tiny = Math.ScaleB(1.0, bits), Math.ScaleB(1.0, -bits)
        let mutable p0, p1, d0, d1 = 0.0, terms.First, 0.0, 0.0
        let mutable sum, slopes, steps = 0.0, 0.0, 0

        for k in 0 .. terms.Size - 1 do
            if abs p1 > large || abs d1 > large then
                p0 <- p0 * tiny
                p1 <- p1 * tiny
                d0 <- d0 * tiny
                d1 <- d1 * tiny
                sum <- sum * tiny * tiny
                slopes <- slopes * tiny * tiny
                steps <- steps + 1

            sum <- sum + p1 * p1 / terms.Norms[k]
            slopes <- slopes + 2.0 * p1 * d1 / terms.Norms[k]
            let slope = terms.Slope[k] * x + terms.Shift[k]
            let p2 = slope * p1 - terms.Back[k] * p0
            let d2 = slope * d1 + terms.Slope[k] * p1 - terms.Back[k] * d0
            p0 <- p1
            p1 <- p2
            d0 <- d1
            d1 <- d2

        let step = p1 / d1
        step, 1.0 / (sum - step * slopes), bits * steps

    /// The nodes, the weights and their roots: a root is there where its square is below the least number.
    let internal rootRule (terms: ThreeTerm) : struct (float[] * float[] * float[]) =
        let n = terms.Size
        let diagonal = Array.init n (fun k -> -terms.Shift[k] / terms.Slope[k])

        let offDiagonal =
            Array.init (n - 1) (fun k -> sqrt (terms.Back[k + 1] / (terms.Slope[k] * terms.Slope[k + 1])))

        let refine (x: float) =
            let mutable x, step, left = x, infinity, 5

            while left > 0 do
                let struct (next, _, _) = at terms x
                // Newton's steps shrink until rounding makes them.
                if abs next < abs step then
                    x <- x - next
                    step <- next
                    left <- left - 1
                else
                    left <- 0

            x

        let nodes = eigenvalues diagonal offDiagonal |> Array.map refine

        let nodes =
            if terms.Shift |> Array.forall ((=) 0.0) then
                Array.init n (fun j -> (nodes[j] - nodes[n - 1 - j]) / 2.0)
            else
                nodes

        let scaled = nodes |> Array.map (at terms)

        let weights =
            scaled
            |> Array.map (fun (struct (_, weight, exponent)) -> Math.ScaleB(weight, -2 * exponent))

        let roots =
            scaled
            |> Array.map (fun (struct (_, weight, exponent)) -> Math.ScaleB(sqrt weight, -exponent))

        nodes, weights, roots

    let internal ofTerms (terms: ThreeTerm) : QuadratureRule =
        let struct (nodes, weights, _) = rootRule terms

        {
            Nodes = Array.AsReadOnly nodes
            Weights = Array.AsReadOnly weights
        }

    /// <summary>The Gauss rule of orthonormal polynomials with x p_k = b_k p_(k-1) + a_k p_k + b_(k+1) p_(k+1): exact for polynomials of degree below 2n.</summary>
    /// <param name="mass">The integral of the weight, above 0.</param>
    /// <param name="diagonal">a_0, ..., a_(n-1).</param>
    /// <param name="offDiagonal">b_1, ..., b_(n-1), above 0.</param>
    /// <exception cref="T:System.ArgumentException">Lengths that do not fit, or a number that is not finite or not above 0 where it must be.</exception>
    [<CompiledName("OfRecurrence")>]
    let ofRecurrence (mass: float) (diagonal: seq<float>) (offDiagonal: seq<float>) : QuadratureRule =
        Guard.notNull "diagonal" diagonal
        Guard.notNull "offDiagonal" offDiagonal
        let a, b = Seq.toArray diagonal, Seq.toArray offDiagonal

        Guard.holds "mass" (mass > 0.0 && Double.IsFinite mass) (fun () ->
            $"mass must be finite and above 0, but is {mass}.")

        Guard.holds "diagonal" (a.Length > 0 && a |> Array.forall Double.IsFinite) (fun () ->
            "diagonal must hold one or more finite numbers.")

        Guard.holds
            "offDiagonal"
            (b.Length = a.Length - 1
             && b |> Array.forall (fun x -> x > 0.0 && Double.IsFinite x))
            (fun () ->
                $"offDiagonal must hold {a.Length - 1} finite numbers above 0, one fewer than diagonal, but holds {b.Length}.")

        // b_k for k from 0 to n; the first is not used, and the last scales phi_n only.
        let b = Array.concat [ [| 1.0 |]; b; [| 1.0 |] ]

        ThreeTerm.OfFunctions(
            a.Length,
            1.0,
            (fun k -> 1.0 / b[k + 1]),
            (fun k -> -a[k] / b[k + 1]),
            (fun k -> if k = 0 then 0.0 else b[k] / b[k + 1]),
            (fun _ -> mass)
        )
        |> ofTerms
