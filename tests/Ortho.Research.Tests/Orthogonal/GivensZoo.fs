/// Chains of plane rotations for the zoo.
module Ortho.Tests.GivensZoo

open Ortho
open Ortho.Tests.ZooEntry
open TorchSharp

let private chain name (schedule: Case -> PlaneSchedule) =
    { entry $"rotations: {name}" (fun case -> [ [ int64 (schedule case).Count ] ]) (fun case p ->
          Givens.chain (schedule case) p[0]) with
        IsComplex = false
    }

/// Any pairs, most coordinates several times.
let private mixed (case: Case) =
    let random = System.Random case.Seed
    let n = case.Size + 1

    Array.init (2 * n) (fun _ ->
        let i = random.Next n
        struct (i, (i + 1 + random.Next(n - 1)) % n))
    |> PlaneSchedule.ofPairs n

let entries: ZooEntry list =
    [
        { entry "rotation" (fun _ -> [ [] ]) (fun case p -> Givens.rotation (case.Size + 1) (case.Size, 0) p[0]) with
            IsComplex = false
        }
        chain "neighbours" (fun case -> PlaneSchedule.sequential case.Size)
        chain "round robin" (fun case -> PlaneSchedule.roundRobin case.Second)
        chain "butterfly" (fun case -> PlaneSchedule.butterfly (1 <<< case.Second % 4))
        chain "tournament" (fun case -> PlaneSchedule.tournament case.Size)
        chain "any pairs" mixed
        entry "rotations of complex vectors" (fun case -> [ [ int64 (mixed case).Count ] ]) (fun case p ->
            if p[0].is_complex() then
                Givens.complexChain (mixed case) p[0].real
            else
                Givens.chain (mixed case) p[0])
        // Not differentiable in the matrix: the parameter, which is empty, tells the type.
        { entry "rotations of a matrix" (fun _ -> [ [ 0L ] ]) (fun case p ->
              let struct (q, _) =
                  torch.linalg.qr (Seed.normal case.Seed (TensorKind.ofTensor p[0]) [ n case; n case ])

              Givens.ofMatrix q) with
            IsComplex = false
        }
    ]
