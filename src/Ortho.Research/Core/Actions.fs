namespace Ortho

open TorchSharp

/// <summary>How actions on tensors are joined: [*batch, domain] -> [*batch, codomain] functions in, one such function out.</summary>
/// <remarks>
/// Every action returns a fresh handle, never its argument, so that a joined action may dispose what lies between its parts.
/// A fresh handle may be a view of the argument's memory: never write into it.
/// </remarks>
module internal Actions =

    /// Frees all that an action makes but its result, which becomes a fresh handle that the caller owns.
    let scoped (action: torch.Tensor -> torch.Tensor) (x: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let y = action x
        let y = if scope.Contains y then y else y.alias ()
        scope.MoveToOuter y

    /// The same entries under a fresh handle.
    let identity (x: torch.Tensor) = x.alias ()

    let private after (action: torch.Tensor -> torch.Tensor) (x: torch.Tensor) =
        use x = x
        action x

    /// Actions one after the other: the last of the array first, as in a product of matrices.
    let chain (actions: (torch.Tensor -> torch.Tensor)[]) (x: torch.Tensor) =
        let mutable y = actions[actions.Length - 1] x

        for i in actions.Length - 2 .. -1 .. 0 do
            y <- after actions[i] y

        y

    /// The sum of what the actions give.
    let sum (actions: (torch.Tensor -> torch.Tensor)[]) (x: torch.Tensor) =
        let mutable total = actions[0] x

        for i in 1 .. actions.Length - 1 do
            use previous = total
            use next = actions[i] x
            total <- previous .+ next

        total

    /// y[i] = x[order[i]] along the last axis.
    let gather (order: int64[]) =
        let index = torch.tensor order

        fun (x: torch.Tensor) ->
            use onDevice = index.``to`` x.device
            x.index_select (x.ndim - 1L, onDevice)

    /// Zeros of the codomain's shape.
    let zero (domain: Space) (codomain: Space) (x: torch.Tensor) =
        let batch = int x.ndim - domain.Rank
        let shape = Array.append (Array.init batch (fun axis -> x.size axis)) codomain.Axes
        x.new_zeros shape

    /// Moves the last axes of an element in front of its others: [*batch; a; b] -> [*batch; b; a] with `last` axes in b.
    let private rotate (rank: int) (last: int) (x: torch.Tensor) =
        let batch = int x.ndim - rank

        let order =
            Array.init (batch + rank) (fun axis ->
                if axis < batch then int64 axis
                elif axis < batch + last then int64 (axis + rank - last)
                else int64 (axis - last))

        x.permute order

    /// The Kronecker product: each action on its own axes, the last of the array on the last axes.
    /// `None` leaves its axes alone. Only views move axes about.
    let kronecker (parts: (struct (Space * Space * (torch.Tensor -> torch.Tensor) voption))[]) (x: torch.Tensor) =
        let mutable rank = parts |> Array.sumBy (fun (struct (domain, _, _)) -> domain.Rank)
        let mutable y = x.alias ()

        for i in parts.Length - 1 .. -1 .. 0 do
            let struct (domain, codomain, action) = parts[i]

            match action with
            | ValueSome action -> y <- after action y
            | ValueNone -> ()

            rank <- rank - domain.Rank + codomain.Rank

            if codomain.Rank < rank then
                y <- after (rotate rank codomain.Rank) y

        y

    /// The elements of one tensor of flat vectors, cut into elements of the given spaces (views).
    let private split (spaces: Space[]) (x: torch.Tensor) =
        let axis = x.ndim - 1L
        let batch = Array.init (int axis) (fun axis -> x.size axis)
        let mutable start = 0L

        spaces
        |> Array.map (fun space ->
            use part = x.narrow (axis, start, space.Size)
            start <- start + space.Size
            part.reshape (Array.append batch space.Axes))

    let private flatten (space: Space) (x: torch.Tensor) =
        let batch = Array.init (int x.ndim - space.Rank) (fun axis -> x.size axis)
        x.reshape (Array.append batch [| space.Size |])

    /// Each action on its own part of a flat vector, results end to end.
    let directSum (parts: (struct (Space * Space * (torch.Tensor -> torch.Tensor)))[]) =
        let domains = parts |> Array.map (fun (struct (domain, _, _)) -> domain)

        scoped (fun x ->
            let pieces =
                Array.map2
                    (fun (struct (_, codomain, action)) part -> flatten codomain (action part))
                    parts
                    (split domains x)

            torch.cat (pieces, -1L))

    /// A matrix of actions on flat vectors: row r of the result is the sum over c of actions[r, c] on part c.
    let block (domains: Space[]) (codomains: Space[]) (actions: (torch.Tensor -> torch.Tensor) voption[,]) =
        scoped (fun x ->
            let parts = split domains x

            let rows =
                codomains
                |> Array.mapi (fun r codomain ->
                    let terms =
                        [|
                            for c in 0 .. domains.Length - 1 do
                                match actions[r, c] with
                                | ValueSome action -> action parts[c]
                                | ValueNone -> ()
                        |]

                    if terms.Length = 0 then
                        zero domains[0] codomain parts[0] |> flatten codomain
                    else
                        Array.reduce (.+) terms |> flatten codomain)

            torch.cat (rows, -1L))
