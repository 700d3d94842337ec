module Ortho.Benchmarks.Program

open System
open System.Diagnostics
open System.Reflection
open BenchmarkDotNet.Columns
open BenchmarkDotNet.Configs
open BenchmarkDotNet.Jobs
open BenchmarkDotNet.Running
open BenchmarkDotNet.Toolchains.InProcess.Emit
open Ortho.Tests

/// Ratios in one process: that is what carries to another machine. In process, because the natives lie beside this program.
let private config =
    ManualConfig
        .Create(DefaultConfig.Instance)
        .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
        .HideColumns(Column.Error, Column.StdDev, Column.Median, Column.Gen0, Column.Gen1, Column.Gen2)

/// Runs this program again with a concurrent collector, whose mode is fixed when a process starts.
let private concurrently (arguments: string list) =
    let start = ProcessStartInfo Environment.ProcessPath

    if IO.Path.GetFileNameWithoutExtension Environment.ProcessPath = "dotnet" then
        start.ArgumentList.Add(Assembly.GetEntryAssembly().Location)

    arguments |> List.iter start.ArgumentList.Add
    start.Environment["DOTNET_gcConcurrent"] <- "1"
    use child = Process.Start start
    child.WaitForExit()
    child.ExitCode

[<EntryPoint>]
let main arguments =
    match List.ofArray arguments with
    | [ "race" ] -> concurrently [ "race"; "10000000" ]
    | [ "race"; calls ] ->
        TorchSharp.torch.set_num_threads 1
        printfn $"plain x + y and x * 3.0: {ScalarRace.plain (int calls)}"
        let hub = ScalarRace.hub (int calls)
        printfn $"the hub's hot paths:      {hub}"
        if hub.Exceptions + hub.WrongValues = 0 then 0 else 1
    | _ ->
        BenchmarkSwitcher.FromAssembly(Assembly.GetExecutingAssembly()).Run(arguments, config)
        |> ignore

        0
