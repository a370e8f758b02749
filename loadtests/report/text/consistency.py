"""The section "One answer from all servers?": what was asked, what came, and from whom. PURE.

It has what the declared checks and those without declaration found, what failed in the load, and
what was not checked and why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loadtests.analysis.consistency import judgement
from loadtests.analysis.failures import wording
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen
from loadtests.model.failures import FailureResult, FailureShape
from loadtests.model.result import RunResult
from loadtests.model.tested.target import TargetKind

TITLE = "One answer from all servers?"

INTRODUCTION = (
    "One client asks a first server, logs in and writes there; then every other server is asked"
    " the same, with the client's cookies. Declared checks go through the proxy."
)

COLUMNS = ("asked", "of", "result", "answers", "what came")

MOST_NOTES = 3
"""Harmless differences that the list of sentences names; the table has all."""

EXCERPT_CHARS = 200

STATES = {
    ProbeState.OK: "one answer",
    ProbeState.BREAKS: "breaks",
    ProbeState.NOTE: "differs",
    ProbeState.UNCHECKED: "not checked",
}

Sentence = tuple[ProbeState, str]


def sentences(result: RunResult) -> list[Sentence]:
    """Return the sentences of the section, those of what breaks first; none without checks."""
    said: set[str] = set()
    return [
        *_broken(result, said),
        *_failing(result, said),
        *_notes(result, said),
        *_unchecked(result),
        *_passed(result),
        *_not_failing(result),
    ]


def rows(result: RunResult) -> list[tuple[str, ...]]:
    """Return a row for each check: what was asked, of whom, what came, and from whom."""
    return [
        (
            f"{check.write}, then {check.read}" if check.write else check.read,
            f"{check.worker} {check.workload or ''}".rstrip(),
            STATES[check.state],
            _counts(check),
            check.detail,
        )
        for check in result.probes
    ]


def pairs(result: RunResult) -> list[tuple[str, Seen, Seen]]:
    """Return two answers side by side of each check that found a difference."""
    return [
        (f"{check.worker}: {check.read}", check.answers[0], check.answers[1])
        for check in result.probes
        if check.state in {ProbeState.BREAKS, ProbeState.NOTE} and len(check.answers) > 1
    ]


def answer(seen: Seen) -> str:
    """Return the status of an answer, where it leads to and how its body begins."""
    target = f" → {seen.location}" if seen.location else ""
    return f"{seen}{target}\n{seen.body[:EXCERPT_CHARS]}".strip()


def _counts(check: ProbeResult) -> str:
    parts = [f"{server}: {count} right" for server, count in check.right.items()]
    parts += [f"{server}: {count} wrong" for server, count in check.wrong.items()]
    return ", ".join(parts)


def _broken(result: RunResult, said: set[str]) -> Iterator[Sentence]:
    for check in result.probes:
        if check.state is ProbeState.BREAKS:
            yield check.state, _with_remedy(_of_check(check), check.remedy, said)


def _of_check(check: ProbeResult) -> str:
    return f"{check.worker}, {check.check}: {check.detail}"


def _with_remedy(sentence: str, remedy: str, said: set[str]) -> str:
    """Return a sentence with its remedy, which is said once only."""
    if not remedy or remedy in said:
        return sentence
    said.add(remedy)
    return f"{sentence} {remedy}"


def _failing(result: RunResult, said: set[str]) -> Iterator[Sentence]:
    """Say what failed in the load, where the number of servers or a known cause explains it."""
    for failure in result.failures:
        is_telling = failure.name is None and failure.shape is not FailureShape.NONE
        if failure.breaks_at and not _is_told_by_names(failure, result):
            state = ProbeState.BREAKS
        elif is_telling and not failure.breaks_at:
            state = ProbeState.NOTE
        else:
            continue
        sentence = f"{_subject(failure)}: {failure.detail}"
        yield state, _with_remedy(sentence, failure.remedy, said)


def _is_told_by_names(failure: FailureResult, result: RunResult) -> bool:
    """Return whether single requests explain all failures of all requests together."""
    if failure.name is not None:
        return False
    named = [
        other
        for other in result.failures
        if other.name is not None
        and other.breaks_at
        and (other.worker, other.workload) == (failure.worker, failure.workload)
    ]
    explained = sum(count.failed for other in named for count in other.counts)
    return bool(named) and explained == sum(count.failed for count in failure.counts)


def _subject(failure: FailureResult) -> str:
    return f"{failure.worker} on {failure.workload}"


def _notes(result: RunResult, said: set[str]) -> Iterator[Sentence]:
    notes = [check for check in result.probes if check.state is ProbeState.NOTE]
    for check in notes[:MOST_NOTES]:
        yield check.state, _with_remedy(_of_check(check), check.remedy, said)
    if len(notes) > MOST_NOTES:
        yield ProbeState.NOTE, f"{len(notes) - MOST_NOTES} more differences may be harmless, too."


def _unchecked(result: RunResult) -> Iterator[Sentence]:
    declared, others = _by_kind(result, ProbeState.UNCHECKED)
    if declared:
        reason = _why_unchecked(result, declared)
        yield ProbeState.UNCHECKED, f"Not checked: {_listed(declared)}. {reason}"
    if others:
        yield ProbeState.UNCHECKED, f"Not compared: {_listed(others)}. {others[0].detail}"


def _passed(result: RunResult) -> Iterator[Sentence]:
    declared, others = _by_kind(result, ProbeState.OK)
    if declared:
        yield (
            ProbeState.OK,
            f"Every replica read what another had written: {_listed(declared)}.",
        )
    asked = [check for check in others if check.kind is not ProbeKind.START]
    alike = [check for check in asked if not judgement.only_accepted(check)]
    if alike:
        yield ProbeState.OK, f"All servers answered one client alike: {_listed(alike)}."
    accepted = [check for check in asked if judgement.only_accepted(check)]
    if accepted:
        yield (
            ProbeState.OK,
            f"All servers accepted what changes from answer to answer: {_listed(accepted)}.",
        )
    lasting = dict.fromkeys(check.worker for check in others if check.kind is ProbeKind.START)
    if lasting:
        workers = ", ".join(lasting)
        yield ProbeState.OK, f"What was written outlived the start of a further server: {workers}."


def _not_failing(result: RunResult) -> Iterator[Sentence]:
    """Say what could have been seen where no request failed, in the least favourable case."""
    sound = [
        failure
        for failure in result.failures
        if failure.name is None and failure.shape is FailureShape.NONE and failure.visible_ratio
    ]
    if sound:
        worst = max(sound, key=lambda failure: max(failure.visible_ratio.values()))
        subject = "" if len(sound) == 1 else f" ({_subject(worst)} had the fewest requests)"
        yield ProbeState.OK, f"{worst.detail} {wording.visible(worst)}{subject}"


def _by_kind(result: RunResult, state: ProbeState) -> tuple[list[ProbeResult], list[ProbeResult]]:
    """Return the checks with this state: the declared ones, and the others."""
    checks = [check for check in result.probes if check.state is state]
    return (
        [check for check in checks if check.kind is ProbeKind.DECLARED],
        [check for check in checks if check.kind is not ProbeKind.DECLARED],
    )


def _listed(checks: Sequence[ProbeResult]) -> str:
    names: dict[str, dict[str, None]] = {}
    for check in checks:
        names.setdefault(check.worker, {})[check.check] = None
    return "; ".join(f"{worker} ({', '.join(listed)})" for worker, listed in names.items())


def _why_unchecked(result: RunResult, unchecked: Sequence[ProbeResult]) -> str:
    declared = [check for check in result.probes if check.kind is ProbeKind.DECLARED]
    is_sample = result.plan.tested.kind is TargetKind.SAMPLE
    if is_sample and len(unchecked) == len(declared) and not result.plan.with_store:
        return "This run has no data store that replicas could share. To start one, add --probe."
    return f"{unchecked[0].detail.rstrip('.')}. {unchecked[0].remedy}".rstrip()
