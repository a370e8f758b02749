"""Whether what a server knows of a client lasts, whatever else starts or happens. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from loadtests.analysis import remedies
from loadtests.analysis.consistency import reading
from loadtests.analysis.consistency.conversation import PLACEHOLDER
from loadtests.analysis.consistency.judgement import Asked, in_words, shortened
from loadtests.analysis.consistency.reading import Reading, Standing
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen
from loadtests.model.plan import Plan
from loadtests.model.tested.workload import Workload
from loadtests.model.trial import Trial


def after_start(asked: Asked, found: Sequence[tuple[Reading, tuple[Seen, ...]]]) -> ProbeResult:
    """Return whether home still knows what it knew before a further server started.

    Each reading comes with home's answers since then. It is forgotten where all of them are wrong.
    """
    name = "a further server starts"
    for before, since in found:
        if len(since) >= reading.CONFIRM and all(reading.is_wrong(before, seen) for seen in since):
            right, bad = before.at_home[0], since[0]
            what = f"what {before.written_by} wrote" if before.written_by else "its session"
            return asked.result(
                ProbeKind.START,
                name,
                ProbeState.BREAKS,
                f"After a further server had started, {what} was gone: {before.home} answered"
                f" {before.name} with {in_words(right)} before, and with {in_words(bad)} since"
                f" ({len(since)} of {len(since)} times).",
                read=before.name,
                write=before.written_by or "",
                written_by=before.home,
                wrong={before.home: len(since)},
                answers=(shortened(right), shortened(bad)),
                remedy=remedies.START.advice,
            )
    names = ", ".join(before.name for before, _ in found)
    for before, since in found:
        if all(reading.standing(seen) is Standing.SILENT for seen in since):
            return asked.result(
                ProbeKind.START,
                name,
                ProbeState.UNCHECKED,
                f"After a further server had started, {before.home} answered {before.name} with"
                f" {in_words(since[-1]) if since else 'nothing'}.",
                read=before.name,
            )
    return asked.result(
        ProbeKind.START,
        name,
        ProbeState.OK,
        f"What was written was still there after a further server had started ({names}).",
        read=names,
    )


def forgets_by_itself(result: ProbeResult) -> ProbeResult:
    """Return a note instead of a break: home forgets as much without a further server."""
    return replace(
        result,
        state=ProbeState.NOTE,
        detail=f"{result.detail} It forgets as much in that time without a further server.",
        remedy="",
    )


def second_login(asked: Asked, before: Reading, ended: Sequence[Seen]) -> ProbeResult:
    """Return a note: another login of the same account ended a session at home, asked alone.

    ``before`` has the answer while it lasted, and ``ended`` those since the other login.
    """
    right, bad = before.at_home[0], ended[0]
    return asked.result(
        ProbeKind.SESSION,
        "a second login",
        ProbeState.NOTE,
        "Another login of the same account ends the first session, with one server, too:"
        f" {before.home} answered {before.name} with {in_words(right)} before it, and with"
        f" {in_words(bad)} since ({len(ended)} of {len(ended)} times).",
        read=before.name,
        written_by=before.home,
        answers=(shortened(right), shortened(bad)),
        remedy=remedies.SHARED_ACCOUNTS.advice,
    )


def lost_session(
    asked: Asked, found: Reading, other: str, alone: Sequence[Seen], since: Sequence[Seen]
) -> ProbeResult:
    """Return that home no longer knows its client once another server was asked.

    ``alone`` are home's answers before that, and ``since`` those after it.
    """
    home, right, bad = found.home, alone[0], since[0]
    return asked.result(
        ProbeKind.ANSWER,
        found.check,
        ProbeState.BREAKS,
        f"Asking {other} ends the session that {home} gave: {home} answered {found.name} with"
        f" {in_words(right)} before ({len(alone)} of {len(alone)} times), and with {in_words(bad)}"
        f" since ({len(since)} of {len(since)} times).",
        read=found.name,
        written_by=home,
        right={home: len(alone)},
        wrong={home: len(since)},
        answers=(shortened(right), shortened(bad)),
        remedy=remedies.SESSION.advice,
    )


def ended_by_login(results: Iterable[ProbeResult]) -> frozenset[tuple[str, str]]:
    """Return the worker models and workloads where a second login ends the first session."""
    return frozenset(
        (result.worker, result.workload or "")
        for result in results
        if result.kind is ProbeKind.SESSION
    )


def losing_sessions(
    results: Iterable[ProbeResult], plan: Plan, trials: Iterable[Trial]
) -> frozenset[tuple[str, str]]:
    """Return the worker models and workloads whose users may lose their sessions to one another."""
    most: dict[tuple[str, str], int] = {}
    for trial in trials:
        series = (trial.spec.cell.worker, trial.spec.cell.workload)
        most[series] = max(most.get(series, 0), trial.users)
    workloads = {workload.name: workload for workload in plan.workloads}
    return frozenset(
        series
        for series in ended_by_login(results)
        if series in most and _may_share_accounts(workloads[series[1]], most[series])
    )


def _may_share_accounts(workload: Workload, users: int) -> bool:
    """Return whether so many users of a workload may have fewer accounts than there are users.

    Each keeps a row of the lists that ``start`` uses. Nobody knows what a locustfile does.
    """
    names = {match["name"] for match in PLACEHOLDER.finditer(repr(workload.start))}
    lengths = [len(words) for name, words in workload.values.items() if name in names]
    return not lengths or min(lengths) < users
