"""The functions whose CPU per request changed, in rows and sentences for all reports. PURE."""

from __future__ import annotations

from collections.abc import Iterator

from loadtests.analysis.profiles.function_pairs import flame_of
from loadtests.gate.analysis.functions import in_words, interval, place, points
from loadtests.gate.model.result import GateResult
from loadtests.gate.report import wording
from loadtests.model.profiles.functions import FunctionChange, FunctionChanges
from loadtests.report.plots.flame import Flame, flame
from loadtests.report.rounding import figure

TITLE = "Where the CPU of a request changed"

INTRODUCTION = (
    "After the pairs, many starts of both versions were sampled under the same load. A"
    " function's time is its own, with that of the libraries that it calls. The changes are parts"
    " of base's whole CPU per request, with 95 % intervals over the starts. Only what is marked is"
    " shown to have changed, with the error controlled over all functions."
)

COLUMNS = ("function", "base µs", "head µs", "change, % of all [95 %]", "shown")

LEAST_SHARE = 0.005
"""Functions with a smaller part of the CPU in both versions have no row, unless they changed."""

MOST_ROWS = 12


def sentences(result: GateResult) -> list[str]:
    """Return what each worker model's profile shows, or why it shows nothing."""
    return [
        f"{wording.title(shown.worker, result)}: {shown.sentence or shown.unseen}"
        for shown in result.functions
    ]


def rows(shown: FunctionChanges) -> list[tuple[str, ...]]:
    """Return the functions of a worker model, those that changed first."""
    whole_us = sum(max(change.base_us, change.head_us) for change in shown.functions)
    large = [
        change
        for change in shown.functions
        if change.is_changed or max(change.base_us, change.head_us) >= LEAST_SHARE * whole_us
    ]
    return [_row(change) for change in large[: max(MOST_ROWS, len(shown.changed))]]


def _row(change: FunctionChange) -> tuple[str, ...]:
    return (
        place(change),
        figure(change.base_us),
        figure(change.head_us),
        f"{points(change.change.estimate)} {interval(change.change)}",
        "changed" if change.is_changed else "",
    )


def notes(shown: FunctionChanges) -> Iterator[str]:
    """Yield what the profile is made of, and what it cost."""
    if shown.unseen:
        return
    text = f"{shown.samples} samples of {shown.pairs} starts of each version"
    if shown.looking_cpus is not None:
        text += f"; sampling cost {shown.looking_cpus:.2f} of a core, beside the replicas"
    if shown.cost_ratio is not None:
        text += (
            f"; base's CPU per request meanwhile differed by {points(shown.cost_ratio)} % from that"
            " in its pairs"
        )
    yield f"{text}."


def flames(result: GateResult) -> list[Flame]:
    """Return the difference flame graph of each worker model."""
    drawn = []
    for profile in result.evidence.profiles:
        node = flame_of(profile)
        if node is not None:
            title = wording.title(profile.worker, result)
            drawn.append(flame(f"{title}: CPU per request of head", node, where="in head"))
    return drawn


def explanation(result: GateResult) -> str:
    """Return what ``twofold explain`` prints of a gate: sentences, functions, and what it cost."""
    return "\n".join(_explained(result)) + "\n"


def _explained(result: GateResult) -> Iterator[str]:
    yield TITLE
    yield from (f"  {sentence}" for sentence in sentences(result))
    for shown in result.functions:
        if not shown.functions:
            continue
        yield ""
        yield f"{wording.title(shown.worker, result)}: functions"
        for function, base_us, head_us, change, is_shown in rows(shown):
            times = f"{base_us} µs in base, {head_us} µs in head"
            told = ", changed" if is_shown else ""
            yield f"  {function}: {times}; {change} % of all{told}"
        yield from (f"  {note}" for note in notes(shown))


def remarks_at_lines(result: GateResult) -> Iterator[tuple[str, int, str]]:
    """Yield path in the checkout, line and message of each change whose line is known there."""
    for shown in result.functions:
        for change in shown.changed:
            if change.checkout and change.line:
                title = wording.title(shown.worker, result)
                yield change.checkout, change.line, f"{title}: CPU per request {in_words(change)}"
