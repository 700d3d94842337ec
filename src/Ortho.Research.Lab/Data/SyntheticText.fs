/// A text made by a small grammar: scenes in which a few people speak in turn.
[<RequireQualifiedAccess>]
module Ortho.Lab.SyntheticText

open System
open System.Text

/// The grammar: each name in angle brackets is replaced by one of its forms, drawn at random, until no name is left.
let private rules =
    Map
        [
            "speech",
            [
                "<sentence>"
                "<sentence> <sentence>"
                "<sentence>\n<sentence> <question>"
                "<question>"
            ]
            "sentence",
            [
                "<clause>."
                "<clause>, and <clause>."
                "If <clause>, then <clause>."
                "<clause>; yet <clause>."
                "O <adjective> <noun>, <clause>!"
            ]
            "question",
            [
                "Why does <subject> <verb> <object>?"
                "Who shall <verb> <object>?"
                "Shall I <verb> <object> <when>?"
            ]
            "clause",
            [
                "<subject> will <verb> <object>"
                "<subject> must <verb> <object> <when>"
                "<subject> and <subject> <verb> <object>"
            ]
            "subject",
            [
                "the <noun>"
                "my <adjective> <noun>"
                "thy <noun>"
                "the <adjective> <noun>"
                "I"
                "this <noun>"
            ]
            "object",
            [
                "the <noun>"
                "a <adjective> <noun>"
                "my <noun>"
                "thee"
                "the <noun> of the <noun>"
            ]
            "when", [ "at night"; "before the morning"; "in the winter"; "once more"; "by the sea" ]
            "noun",
            [
                "king"
                "brother"
                "garden"
                "river"
                "sword"
                "crown"
                "letter"
                "daughter"
                "tempest"
                "candle"
                "soldier"
                "rose"
            ]
            "adjective", [ "gentle"; "cruel"; "silent"; "golden"; "weary"; "noble"; "bitter"; "distant" ]
            "verb",
            [
                "follow"
                "remember"
                "forgive"
                "hide"
                "carry"
                "honour"
                "forsake"
                "answer"
            ]
        ]

let private people =
    [|
        "FIRST CITIZEN"
        "SECOND CITIZEN"
        "MIRANDA"
        "THE DUKE"
        "GRUMIO"
        "NURSE"
    |]

let private expand (random: Random) (start: string) =
    let result = StringBuilder()

    let rec write (form: string) =
        match form.IndexOf '<' with
        | -1 -> result.Append form |> ignore
        | at ->
            let until = form.IndexOf('>', at)
            result.Append(form, 0, at) |> ignore
            let forms = rules[form.Substring(at + 1, until - at - 1)]
            write forms[random.Next forms.Length]
            write (form.Substring(until + 1))

    write start
    result.ToString()

/// A capital letter at the beginning.
let private capital (text: string) =
    string (Char.ToUpperInvariant text[0]) + text.Substring 1

/// <summary>A text of just the length asked for, in letters, punctuation and line breaks of ASCII.</summary>
/// <param name="seed">Same seed, same text.</param>
/// <param name="length">How many characters; not negative.</param>
let draw (seed: int) (length: int) =
    ArgumentOutOfRangeException.ThrowIfNegative(length, nameof length)
    let random = Random seed
    let text = StringBuilder()

    while text.Length < length do
        let speech =
            expand random "<speech>"
            |> fun s -> s.Split '\n' |> Array.map capital |> String.concat "\n"

        text.Append(people[random.Next people.Length]).Append(":\n").Append(speech).Append("\n\n")
        |> ignore

    text.ToString(0, length)
