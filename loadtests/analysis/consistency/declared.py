"""Checks whether all replicas give the same answers. PURE.

Flask's documentation, *Becoming Big*: an application that scales badly "would not even support a
second server". A value written through one replica must be read through every other, a login on one
must be valid on all, and a counter must count every increment. An answer is wrong only where the
application gave it. The proxy's own errors, refusals for lack of resources and missing answers
leave a check open.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from loadtests.analysis.consistency.judgement import TIME_OVER
from loadtests.analysis.shared.statuses import FIRST_ERROR_STATUS
from loadtests.model.consistency import (
    PLACE,
    Check,
    CheckKind,
    ProbeRecord,
    ProbeResult,
    ProbeState,
    Seen,
    Step,
)
from loadtests.model.tested.variables import path_without_secrets
from loadtests.model.tested.workload import Expected

NO_ANSWER = frozenset({429, 502, 503, 504})
"""Too many requests, bad gateway, service unavailable and gateway timeout: the server limits the
rate or could not answer, so they say nothing about its state."""

NUMBER = re.compile(r"\d+")

MOST_DIGITS = 100
"""Digits of a number that is read: Python refuses to read thousands."""

EXCERPT_CHARS = 100
"""Longest part of an answer that a sentence quotes."""

CORRECT_EXPECTED = "Correct what the check expects."
CORRECT_STEPS = "Correct the write or the read, or say what the check expects."
"""What to do where a check can be right nowhere."""


def filled(text: str, token: str) -> str:
    """Return a part of a step with its token filled in."""
    return text.replace(PLACE, token)


def request_line(step: Step, token: str) -> str:
    """Return the request of a step for people: ``PUT /state/notes/4f…``."""
    return f"{step.method} {filled(path_without_secrets(step.path), token)}"


def number_in(seen: Seen) -> int | None:
    """Return the first whole number in an answer; None where there is none, or no counter's."""
    match = NUMBER.search(seen.body)
    return int(match[0]) if match and len(match[0]) <= MOST_DIGITS else None


def refused(record: ProbeRecord) -> Seen | None:
    """Return the first failed answer to a write; None where all succeeded."""
    before = [record.before] if record.before else []
    refusals = [seen for seen in before if not _is_success(seen)]
    wanted = record.check.write.expect
    is_accepted = _is_success if wanted is None else _expected(wanted, record.token)[1]
    refusals += [seen for seen in record.writes if not is_accepted(seen)]
    return refusals[0] if refusals else None


def tells_writes_apart(check: Check) -> bool:
    """Return whether a second write shows more than the first one did.

    It does not where every write is of the same text, or where the read expects the same text
    after each: once every replica has had such a write, all of them are right.
    """
    if check.kind is CheckKind.COUNT:
        return True
    expected = check.read.expect
    is_same_answer = expected is not None and PLACE not in f"{_text(check.read)}{expected.contains}"
    return PLACE in _text(check.write) and not is_same_answer


def _text(step: Step) -> str:
    return " ".join((step.path, step.body, *step.headers.values()))


def judge(record: ProbeRecord) -> ProbeResult:
    """Return the result of one check from its answers."""
    refusal = refused(record)
    if refusal is not None or not record.writes:
        return _result(record, ProbeState.UNCHECKED, detail=_refusal(record, refusal))
    expected, is_right = _expectation(record)
    answered = [seen for seen in record.reads if was_answered(seen)]
    right = Counter(_name(seen) for seen in answered if is_right(seen))
    wrong = Counter(_name(seen) for seen in answered if not is_right(seen))
    if wrong and not right and _is_the_checks_fault(record, answered):
        detail, remedy = _never_right(record)
        return _result(record, ProbeState.UNCHECKED, wrong=wrong, detail=detail, remedy=remedy)
    if wrong:
        inconsistent = _inconsistent_alone(record, answered, is_right)
        return _result(
            record,
            ProbeState.BREAKS,
            right=right,
            wrong=wrong,
            one_server=inconsistent is not None,
            detail=_evidence(record, answered, is_right, expected, inconsistent),
        )
    unanswered = next((seen for seen in record.reads if not was_answered(seen)), None)
    not_reached = sorted(set(record.replicas) - set(right))
    if unanswered is not None or not_reached:
        request = request_line(record.check.read, record.token)
        detail = f"The proxy did not send {request} to {', '.join(not_reached)}."
        if not any(seen.replica for seen in answered):
            detail = (
                f"All {sum(right.values())} answers to {request} were right, but none says which"
                " replica gave it, so some may not have been asked."
            )
        if unanswered is not None:
            detail = f"{request} got {unanswered} from {_name(unanswered)}."
        return _result(record, ProbeState.UNCHECKED, right=right, detail=detail)
    detail = f"All {sum(right.values())} answers of {len(right)} replicas were right."
    return _result(record, ProbeState.OK, right=right, detail=detail)


def combined(tries: Sequence[ProbeResult], planned: int = 1) -> ProbeResult:
    """Return the result of several tries of one check: broken if at least two of them broke.

    Beside a try that broke, one that nobody met is no fault of the check, and counts as broken.
    It says so where there was no time for as many as were ``planned``.
    """
    broken = [one for one in tries if one.state is ProbeState.BREAKS]
    unmet = [one for one in tries if was_met_by_nobody(one)]
    if len(broken) == 1 and not unmet and len(tries) > 1:
        detail = f"In 1 of {len(tries)} tries, which may be chance: {broken[0].detail}"
        return replace(broken[0], state=ProbeState.NOTE, detail=detail)
    if unmet and not broken and any(one.state is ProbeState.OK for one in tries):
        times = f"In {len(unmet)} of {len(tries)} tries, which may be chance: "
        detail = times + unmet[0].detail
        return replace(unmet[0], state=ProbeState.NOTE, detail=detail, remedy="")
    unchecked = [one for one in tries if one.state is ProbeState.UNCHECKED]
    first = next(iter((*broken, *unchecked, *tries)))
    if len(tries) >= planned:
        return first
    return replace(
        first, detail=f"{first.detail} Made {len(tries)} of {planned} times: {TIME_OVER}."
    )


def _is_the_checks_fault(record: ProbeRecord, answered: Sequence[Seen]) -> bool:
    """Return whether a check of which no answer is right can be right nowhere.

    So it is where not even a replica that was written to shows an effect of the writes.
    """
    if record.check.read.expect is not None:
        return True
    written = {seen.replica for seen in record.writes}
    return not had_effect(record) and any(seen.replica in written for seen in answered)


def was_met_by_nobody(result: ProbeResult) -> bool:
    """Return whether a check is open because no replica gave a right answer."""
    return result.state is ProbeState.UNCHECKED and bool(result.wrong)


def _never_right(record: ProbeRecord) -> tuple[str, str]:
    """Return why a check is open that no replica meets, not even the writer, and what to do.

    What to do is untrue of a check that was met by another version.
    """
    expected, _ = _expectation(record)
    example = next(seen for seen in record.reads if was_answered(seen))
    detail = (
        f"After {request_line(record.check.write, record.token)}, no replica answered"
        f" {request_line(record.check.read, record.token)} with {expected}, not even the one that"
        f" was written to: {_name(example)} answered {example} {_excerpt(example)}".rstrip()
        + "."
    )
    if record.check.read.expect is not None:
        return detail, CORRECT_EXPECTED
    return f"{detail} The write got {record.writes[0]}.", CORRECT_STEPS


def had_effect(record: ProbeRecord) -> bool:
    """Return whether any answer shows an effect of the writes."""
    if record.check.kind is CheckKind.VALUE:
        return any(record.token in seen.body for seen in record.reads if _is_success(seen))
    first = _first_number(record)
    numbers = [number_in(seen) for seen in record.reads if _is_success(seen)]
    return any(number is not None and number > first for number in numbers)


def _first_number(record: ProbeRecord) -> int:
    """Return a counter's value before the first write."""
    return (number_in(record.before) if record.before else None) or 0


def _result(
    record: ProbeRecord,
    state: ProbeState,
    *,
    detail: str,
    right: Counter[str] | None = None,
    wrong: Counter[str] | None = None,
    one_server: bool = False,
    remedy: str = "",
) -> ProbeResult:
    return ProbeResult(
        worker=record.worker,
        check=record.check.name,
        state=state,
        write=request_line(record.check.write, record.token),
        read=request_line(record.check.read, record.token),
        written_by=record.writes[0].replica if len(record.writes) == 1 else None,
        right=dict(sorted((right or {}).items())),
        wrong=dict(sorted((wrong or {}).items())),
        one_server=one_server,
        detail=detail,
        remedy=remedy,
    )


def _excerpt(seen: Seen) -> str:
    body = seen.body.strip()
    return body if len(body) <= EXCERPT_CHARS else f"{body[:EXCERPT_CHARS]} …"


def was_answered(seen: Seen) -> bool:
    """Return whether the application answered; see ``NO_ANSWER``."""
    return seen.status is not None and seen.status not in NO_ANSWER


def _is_success(seen: Seen) -> bool:
    return seen.status is not None and seen.status < FIRST_ERROR_STATUS


def _name(seen: Seen) -> str:
    return seen.replica or "an unknown server"


def _refusal(record: ProbeRecord, refused: Seen | None) -> str:
    if refused is None:
        return "Nothing was written."
    step = record.check.read if refused is record.before else record.check.write
    quoted = f": {_excerpt(refused)}" if refused.body.strip() else ""
    told = f"{request_line(step, record.token)} got {refused} from {_name(refused)}{quoted}"
    return f"{told.rstrip('.')}."


def _expectation(record: ProbeRecord) -> tuple[str, Callable[[Seen], bool]]:
    """Return what a right answer contains, in words, and a test for it.

    What the check expects of the answer comes before what its kind says.
    """
    wanted = record.check.read.expect
    if wanted is not None:
        return _expected(wanted, record.token)
    if record.check.kind is CheckKind.VALUE:
        return record.token, lambda seen: _is_success(seen) and record.token in seen.body
    count = _first_number(record) + len(record.writes)
    if _count_themselves(record, count):
        return f"{count} and the reads", _is_success
    return str(count), lambda seen: _is_success(seen) and number_in(seen) == count


def _count_themselves(record: ProbeRecord, count: int) -> bool:
    """Return whether each read was counted, too: after ``count`` come the next numbers, each once.

    A page that says how often it was viewed is such a read.
    """
    numbers = [number_in(seen) for seen in record.reads if _is_success(seen)]
    counted = range(count + 1, count + len(record.reads) + 1)
    return 0 < len(numbers) == len(set(numbers)) and all(number in counted for number in numbers)


def _expected(wanted: Expected, token: str) -> tuple[str, Callable[[Seen], bool]]:
    text = None if wanted.contains is None else filled(wanted.contains, token)

    def is_right(seen: Seen) -> bool:
        status = _is_success(seen) if wanted.status is None else seen.status == wanted.status
        return status and (text is None or text in seen.body)

    parts = [str(wanted.status)] if wanted.status is not None else []
    return " with ".join([*parts, *([repr(text)] if text is not None else [])]), is_right


def _inconsistent_alone(
    record: ProbeRecord, answered: Sequence[Seen], is_right: Callable[[Seen], bool]
) -> str | None:
    """Return a replica whose own processes do not share their state; None where none is seen.

    For a value, that is a replica that accepted it and yet does not return it. For a count, it is
    any replica that gives several numbers, unless each read was counted, too.
    """
    if record.check.kind is CheckKind.VALUE:
        writer = record.writes[0].replica
        own = [seen for seen in answered if seen.replica == writer and not is_right(seen)]
        return writer if own else None
    numbers: dict[str, list[int | None]] = {}
    for seen in answered:
        if seen.replica is not None:
            numbers.setdefault(seen.replica, []).append(number_in(seen))
    written = Counter(seen.replica for seen in record.writes)
    several = (name for name in sorted(numbers) if len(set(numbers[name])) > 1)
    return next((name for name in several if not _in_turn(numbers[name], written[name])), None)


def _in_turn(numbers: Sequence[int | None], writes: int) -> bool:
    """Return whether one replica counted its own reads in turn, after all of its ``writes``."""
    known = sorted(number for number in numbers if number is not None)
    if len(known) < len(numbers) or known[0] <= writes:
        return False
    return known == list(range(known[0], known[0] + len(known)))


def _evidence(
    record: ProbeRecord,
    answered: Sequence[Seen],
    is_right: Callable[[Seen], bool],
    expected: str,
    inconsistent: str | None,
) -> str:
    """Return a sentence with the requests that show the fault, and who answered what."""
    wrong = [seen for seen in answered if not is_right(seen)]
    others = [seen for seen in wrong if seen.replica != record.writes[0].replica]
    example = (others or wrong)[0]
    answers = [seen for seen in answered if seen.replica == example.replica]
    wrong_times = sum(not is_right(seen) for seen in answers)
    write = request_line(record.check.write, record.token)
    if record.check.kind is CheckKind.VALUE:
        done = f"After {write} through {_name(record.writes[0])}"
    else:
        done = f"After {len(record.writes)} times {write}, with an expected count of {expected}"
    answer = f"{example} {_excerpt(example)}".strip()
    single_server = (
        f" This fails with a single server, too: the processes of {inconsistent} do not agree."
        if inconsistent
        else ""
    )
    return (
        f"{done}, {request_line(record.check.read, record.token)} was answered by"
        f" {_name(example)} with {answer} ({wrong_times} of {len(answers)} times).{single_server}"
    )
