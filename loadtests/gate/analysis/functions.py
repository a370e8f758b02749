"""The functions whose CPU per request changed between base and head, with a sentence. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from loadtests.analysis.profiles import flames, function_changes
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.vocabulary import Mode
from loadtests.model.profiles.functions import FunctionChange, FunctionChanges, FunctionProfile
from loadtests.model.profiles.results import Span

MOST_NAMED = 3
"""Functions in a sentence; tables have all."""

MOST_CALLEES = 3

EXPLAINED_RATIO = 0.5
"""If the named functions explain less than this part of a change of the whole, that is said."""


MOST_VISIBLE = 0.2
"""Where only a larger change of one function would be shown, a profile shows nothing."""


def changes(evidence: Evidence) -> tuple[FunctionChanges, ...]:
    """Return what the profiles of each worker model show."""
    return tuple(_changes(evidence, profile) for profile in evidence.profiles)


def _changes(evidence: Evidence, profile: FunctionProfile) -> FunctionChanges:
    shown = function_changes.changes_of(profile)
    if shown.unseen:
        return shown
    shown = replace(shown, cost_ratio=_cost(evidence, profile))
    return replace(shown, sentence=sentence(shown))


def _cost(evidence: Evidence, profile: FunctionProfile) -> float | None:
    """Return base's CPU per request while it was sampled over that in open windows, less 1."""
    sampled = [start.cpu_us_per_request for start in profile.starts if start.side == "base"]
    usual = [
        window.base.cpu_us_per_request
        for pair in evidence.pairs_of(profile.worker)
        for window in pair.windows
        if window.mode is Mode.OPEN
    ]
    before, meanwhile = _mean(usual), _mean(sampled)
    return round(meanwhile / before - 1, 4) if before and meanwhile else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value]
    return math.fsum(known) / len(known) if known else None


def sentence(shown: FunctionChanges) -> str:
    """Return what changed: ``+5.1 % CPU per request, of which 4.6 [4.2, 5.0] in …``."""
    assert shown.whole is not None
    whole = f"{points(shown.whole.estimate)} % {interval(shown.whole)} CPU per request"
    if not shown.changed and (shown.visible_ratio is None or shown.visible_ratio > MOST_VISIBLE):
        return (
            f"{whole}; the starts' samples differ too much to show a change in one function. The"
            " machine may be busy with something else."
        )
    if not shown.changed:
        return (
            f"{whole}; of {shown.tested} functions, none is shown to have changed by more than"
            f" {100 * (shown.visible_ratio or 0.0):.1f} % of it.{_elsewhere(shown)}"
        )
    named = ", ".join(in_words(change) for change in shown.changed[:MOST_NAMED])
    more = len(shown.changed) - MOST_NAMED
    others = f", and {more} more {'function' if more == 1 else 'functions'}" if more > 0 else ""
    return f"{whole}, of which {named}{others}.{_elsewhere(shown)}"


def _elsewhere(shown: FunctionChanges) -> str:
    """Return a sentence where a change of the whole is not in the named functions."""
    whole = shown.whole
    if whole is None or whole.low <= 0 <= whole.high:
        return ""
    explained = math.fsum(change.change.estimate for change in shown.changed)
    if explained / whole.estimate >= EXPLAINED_RATIO:
        return ""
    return (
        " The rest is spread over functions, or is outside of them: in the server, the kernel, or"
        " code that runs without the interpreter's lock."
    )


def in_words(change: FunctionChange) -> str:
    """Return one function's change: ``4.6 [4.2, 5.0] in shop/search.py:31 rank``."""
    parts = [f"{points(change.change.estimate)} {interval(change.change)} in {place(change)}"]
    if change.callee:
        parts.append(f"in its calls of {change.callee}")
    for word, names in (("new", change.new_callees), ("gone", change.gone_callees)):
        if names:
            more = "" if len(names) <= MOST_CALLEES else " …"
            what = "callee" if change.file else "function"
            many = "" if len(names) == 1 else "s"
            parts.append(f"{word} {what}{many} {', '.join(names[:MOST_CALLEES])}{more}")
    return parts[0] if len(parts) == 1 else f"{parts[0]} ({'; '.join(parts[1:])})"


def place(change: FunctionChange) -> str:
    """Return file, line and name: the path in the checkout, else the package's or its end.

    Without a line it is file and name, and for several functions that nobody can tell the name. A
    function that head has not is at a line of base.
    """
    if not change.file:
        return change.name
    file = change.checkout or flames.short(change.file)
    if change.base_line:
        return f"{file} {change.name} at line {change.base_line} of base"
    return f"{file}:{change.line} {change.name}" if change.line else f"{file} {change.name}"


def points(ratio: float) -> str:
    """Return a share as per cents with a sign: ``+4.6``."""
    return f"{100 * ratio:+.1f}".replace("-", "−")


def interval(span: Span) -> str:
    """Return the 95 % interval in per cents: ``[+4.2, +5.0]``."""
    return f"[{points(span.low)}, {points(span.high)}]"
