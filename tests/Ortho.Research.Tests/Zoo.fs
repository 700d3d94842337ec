namespace Ortho.Tests

open Ortho
open TorchSharp

/// Every constructor, by wing.
module Zoo =
    open ZooEntry

    let hub =
        [
            free "identity" (fun case -> LinearMap.identity (Space.ofShape [ n case; m case ]))
            free "zero" (fun case -> LinearMap.zero (n case) (Space.ofShape [ m case; 2L ]))
            free "permutation" (fun case -> LinearMap.ofPermutation (order case.Seed (n case)))
            free "reversal" (fun case ->
                LinearMap.ofPermutation (Array.init case.Size (fun i -> n case - 1L - int64 i)))
            free "reshape" (fun case ->
                LinearMap.reshape (Space.ofShape [ n case; m case ]) (Space.Of(n case * m case)))
            entry "matrix" (matrix m n) (fun _ p -> LinearMap.ofMatrix p[0])
            entry "diagonal" (matrix n m) (fun _ p -> LinearMap.ofDiagonal p[0])
            entry "functions" (matrix n m) (fun case p ->
                LinearMap.ofFunctions
                    "outer"
                    (Space.scalar, Space.ofShape [ n case; m case ])
                    ((fun x -> x.reshape(Array.append x.shape [| 1L; 1L |]).mul p[0]),
                     (fun y -> y.mul(p[0].conj()).sum [| -2L; -1L |]))
                |> LinearMap.on (TensorKind.ofTensor p[0]))
            entry "adjoint" (matrix m n) (fun _ p -> (LinearMap.ofMatrix p[0]).Adjoint)
            entry "product" (pair (matrix wide n) (matrix n wide)) (fun _ p ->
                LinearMap.ofMatrix p[0] * LinearMap.ofMatrix p[1])
            entry "product of three" (pair (matrix m n) (matrix n (fun _ -> 1L))) (fun case p ->
                LinearMap.ofDiagonal p[1].[torch.TensorIndex.Colon, torch.TensorIndex.Single 0L]
                * LinearMap.ofPermutation (order case.Seed (n case))
                * (LinearMap.ofMatrix p[0]).Adjoint)
            entry "Gram" (matrix m n) (fun _ p -> let a = LinearMap.ofMatrix p[0] in a.Adjoint * a)
            free "projection" (fun case ->
                let part =
                    LinearMap.block [ [ LinearMap.identity (n case) ]; [ LinearMap.zero (n case) (m case) ] ]

                LinearMap.promise Traits.Isometry part |> fun q -> q * q.Adjoint)
            entry "multiple" (matrix m n) (fun _ p -> -2.5 * LinearMap.ofMatrix p[0])
            entry "sum" (pair (matrix wide n) (matrix wide n)) (fun _ p ->
                LinearMap.ofMatrix p[0] + 3.0 * LinearMap.ofMatrix p[1])
            entry "difference of a square" (matrix n n) (fun case p ->
                LinearMap.ofMatrix p[0] - 12.0 * LinearMap.identity (n case))
            entry "tensor product" (pair (matrix m n) (matrix (fun _ -> 2L) m)) (fun _ p ->
                LinearMap.ofMatrix p[0] .*. LinearMap.ofMatrix p[1])
            entry "tensor product with identities" (matrix m n) (fun case p ->
                LinearMap.identity 2L
                .*. LinearMap.ofMatrix p[0]
                .*. LinearMap.identity (Space.ofShape [ m case; 1L ]))
            entry "tensor product of three" (pair (matrix m n) (pair (matrix n (fun _ -> 2L)) (matrix m m))) (fun _ p ->
                LinearMap.ofMatrix p[0]
                .*. (0.5 * LinearMap.ofMatrix p[1])
                .*. LinearMap.ofDiagonal p[2])
            entry "direct sum" (pair (matrix m n) (matrix n m)) (fun _ p ->
                LinearMap.ofMatrix p[0] .+. LinearMap.ofMatrix p[1])
            entry "direct sum of tensors" (pair (matrix m n) (matrix n m)) (fun case p ->
                LinearMap.ofDiagonal p[0]
                .+. LinearMap.identity (n case)
                .+. LinearMap.ofMatrix p[1])
            entry "block" (pair (matrix m n) (matrix n n)) (fun case p ->
                let a, d = LinearMap.ofMatrix p[0], LinearMap.ofMatrix p[1]

                LinearMap.block
                    [
                        [ a; LinearMap.zero (n case) (m case) ]
                        [ d; 2.0 * d ]
                        [ LinearMap.identity (n case); -d ]
                    ])
            entry "block of tensors" (matrix n m) (fun _ p ->
                let d = LinearMap.ofDiagonal p[0]
                let space = d.Domain
                LinearMap.block [ [ d; LinearMap.identity space ]; [ LinearMap.zero space space; d ] ])
        ]

    /// A random diagram of the case: 0 to 2 axes below, 0 to 2 above.
    let private diagram (case: Case) =
        let random = System.Random case.Seed
        let k, l = random.Next 3, random.Next 3

        Array.init (l + k) (fun _ -> random.Next(l + k))
        |> SetPartition.ofLabels
        |> Diagram.ofPartition k l

    let private dimension (case: Case) = 1 + case.Size % 4

    /// A random diagram of pairs and so many free vertices.
    let private brauer (free: int) (case: Case) =
        let m = free + 2 * (case.Second % 2)
        let all = Brauer.enumerate free (case.Size % (m + 1)) (m - case.Size % (m + 1))
        all[case.Seed % all.Length]

    let equivariant =
        [
            free "diagram" (fun case -> Functor.diagram (dimension case) (diagram case))
            free "orbit" (fun case -> Functor.orbit (dimension case) (diagram case))
            free "symplectic diagram" (fun case -> SymplecticFunctor.signed (2 + case.Size % 2 * 2) (brauer 0 case))
            free "determinant" (fun case -> HeadFunctor.determinant 3 (brauer 3 case))
            free "jellyfish" (fun case ->
                HeadFunctor.jellyfish
                    3
                    (Diagram.ofBlocks 2 1 [ [ case.Seed % 3 ]; [ (case.Seed + 1) % 3; (case.Seed + 2) % 3 ] ]))
            free "homomorphisms" (fun case ->
                BilabelledGraph.Of(Graph.Path 3, [| case.Seed % 3 |], [| case.Size % 3; case.Second % 3 |])
                |> GraphFunctor.homomorphisms (Graph.Cycle(3 + case.Size % 3)))
            free "orbit of automorphisms" (fun case ->
                let orbits = Basis.orbit (Group.automorphisms (Graph.Path 4)) (case.Size % 3) 1
                orbits[case.Seed % orbits.Length])
            free "orthonormal map of Sp(2)" (fun case ->
                let maps = Basis.orthonormal (Group.symplectic 2) 2 2
                maps[case.Seed % maps.Length])
            free "coordinates in D to X" (fun case -> Basis.diagramToOrbit (Group.symmetric (dimension case)) 1 2)
            free "coordinates in X to D" (fun case -> Basis.orbitToDiagram (Group.alternating (dimension case)) 1 2)
            free "projection onto S_n's maps" (fun case ->
                Reynolds.projection (Group.symmetric (dimension case)) (case.Seed % 3) (case.Second % 2))
            free "projection onto SO(n)'s maps" (fun case ->
                Reynolds.projection (Group.specialOrthogonal (dimension case)) (case.Seed % 3) (case.Second % 2))
            free "element of SO(n)" (fun case -> Group.random case.Seed (Group.specialOrthogonal (dimension case)))
            free "element of Sp(n)" (fun case -> Group.random case.Seed (Group.symplectic 4))
            entry
                "equivariant layer"
                (fun case ->
                    let d = diagram case

                    let count =
                        Basis.dimension (Group.symmetric (dimension case)) d.BottomCount d.TopCount

                    [ [ int64 count; 2L; 3L ] ])
                (fun case p ->
                    let d = diagram case
                    Equivariant.ofWeight (Group.symmetric (dimension case)) (d.BottomCount, d.TopCount) p[0])
        ]

    /// So many vectors that a chain is cut into blocks.
    let private many case = m case + 62L

    let orthogonal =
        [
            entry "reflection" (fun case -> [ [ n case ] ]) (fun _ p -> Householder.reflection p[0])
            entry "chain of reflections" (matrix m n) (fun _ p -> Householder.chain p[0])
            entry "chain of blocks of reflections" (matrix many (fun _ -> 3L)) (fun _ p -> Householder.chain p[0])
            entry "frame of reflections" (matrix m n) (fun case p -> Householder.frame p[0] (min (m case) (n case)))
            entry "frame of one reflection" (matrix (fun _ -> 1L) n) (fun _ p -> Householder.frame p[0] 1L)
            { entry "Cayley transform" (matrix n n) (fun _ p -> Cayley.ofSkew (Skew.ofSquare p[0])) with
                Tolerance = _.Iteration
            }
            entry "Cayley transform by Neumann's series" (matrix n n) (fun case p ->
                use quarter = p[0].div(torch.full_like (p[0], 4.0))
                Cayley.neumann case.Second (Skew.ofSquare quarter))
        ]
        @ BlockDiagonalZoo.entries
        @ ButterflyZoo.entries
        @ HadamardZoo.entries
        @ LipschitzZoo.entries
        @ ConvolutionZoo.entries
        @ OrthogonalConvolutionZoo.entries
        @ HouseholderZoo.entries
        @ HaarZoo.entries
        @ ProcrustesZoo.entries
        @ GivensZoo.entries
        @ PolarZoo.entries
        @ ExponentialZoo.entries
        @ ManifoldZoo.entries

    /// Lengths on both sides of the limit of the dense form.
    let private length (case: Case) =
        n case + (if case.Second % 2 = 0 then 0L else 60L) + 1L

    let spectral =
        [
            for kind in
                [
                    CosineType.DctI
                    CosineType.DctII
                    CosineType.DctIII
                    CosineType.DctIV
                    CosineType.DstI
                    CosineType.DstII
                    CosineType.DstIII
                    CosineType.DstIV
                ] do
                free $"{kind}" (fun case -> Cosine.transform kind (length case))

            free "plain DCT-I" (fun case -> Cosine.plain CosineType.DctI (length case))
            free "plain DST-II" (fun case -> Cosine.plain CosineType.DstII (length case))
            free "DCT-II along an axis" (fun case -> Cosine.along CosineType.DctII 0 (Space.ofShape [ n case; m case ]))
            free "Laplacian" (fun case ->
                Poisson.laplacian
                    [
                        Poisson.axis Boundary.Dirichlet (n case) 0.5
                        Poisson.axis Boundary.Neumann (m case) 0.25
                    ])
            free "boundary terms" (fun case ->
                Poisson.boundaryTerms
                    [
                        Poisson.axis Boundary.Dirichlet (n case) 0.5
                        Poisson.axis Boundary.Neumann (m case) 0.25
                    ])
            free "Poisson solver" (fun case ->
                Poisson.solver
                    [
                        Poisson.axis Boundary.Neumann (m case) 0.5
                        Poisson.axis Boundary.Dirichlet (n case) 0.5
                    ])
        ]
        @ GridZoo.entries
        @ WaveletZoo.entries
        @ ScanZoo.entries
        @ FourierZoo.entries
        @ PeriodicZoo.entries
        @ SpectralOperatorZoo.entries

    let all = hub @ orthogonal @ equivariant @ spectral @ PolynomialZoo.entries
