"""Whether several servers answer as one: "would not even support a second server". PURE.

What was written through one replica has to be read through every other, a login on one has to be
good on all, and a counter has to count every increment, whoever took it. An answer is wrong only
where the application gave it: a proxy's own error, a refusal for want of means or no answer at all
leave the question open.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from loadtests.model.consistency import (
    PLACE,
    CheckKind,
    ProbeRecord,
    ProbeResult,
    ProbeState,
    Seen,
    Step,
)

NO_ANSWER = frozenset({502, 503, 504})
"""Bad gateway, service unavailable, gateway timeout: they say that a server could not answer, and
nothing of what it knows."""

FIRST_ERROR_STATUS = 400

NUMBER = re.compile(r"\d+")

EXCERPT_CHARS = 100
"""How much of an answer a sentence shows."""


def filled(text: str, token: str) -> str:
    """Give a part of a step with its token."""
    return text.replace(PLACE, token)


def told(step: Step, token: str) -> str:
    """Give the request of a step as people name it: ``PUT /state/notes/4f…``."""
    return f"{step.method} {filled(step.path, token)}"


def number_in(seen: Seen) -> int | None:
    """Give the first whole number of an answer."""
    found = NUMBER.search(seen.body)
    return int(found[0]) if found else None


def refused(record: ProbeRecord) -> Seen | None:
    """Give the first answer that says that this cannot be checked here, if there is one."""
    asked = [*([record.before] if record.before else []), *record.writes]
    return next((seen for seen in asked if not _is_success(seen)), None)


def judge(record: ProbeRecord) -> ProbeResult:
    """Say what one check's answers mean."""
    refusal = refused(record)
    if refusal is not None or not record.writes:
        return _result(record, ProbeState.UNCHECKED, detail=_refusal(record, refusal))
    expected, is_right = _expectation(record)
    answered = [seen for seen in record.reads if _was_answered(seen)]
    right = Counter(_name(seen) for seen in answered if is_right(seen))
    wrong = Counter(_name(seen) for seen in answered if not is_right(seen))
    if wrong:
        alone = _one_server(record, answered, is_right)
        return _result(
            record,
            ProbeState.BREAKS,
            right=right,
            wrong=wrong,
            one_server=alone is not None,
            detail=_accusation(record, answered, is_right, expected, alone),
        )
    unanswered = next((seen for seen in record.reads if not _was_answered(seen)), None)
    unasked = sorted(set(record.replicas) - set(right))
    if unanswered is not None or unasked:
        who = _name(unanswered) if unanswered else unasked[0]
        what = str(unanswered) if unanswered else "nothing, since the proxy did not pass to it"
        detail = f"{told(record.check.read, record.token)} got {what} from {who}."
        return _result(record, ProbeState.UNCHECKED, right=right, detail=detail)
    detail = f"{sum(right.values())} answers of {len(right)} replicas were all right."
    return _result(record, ProbeState.OK, right=right, detail=detail)


def had_effect(record: ProbeRecord) -> bool:
    """Tell whether any answer knows of anything that was written."""
    if record.check.kind is CheckKind.VALUE:
        return any(record.token in seen.body for seen in record.reads if _is_success(seen))
    first = _first_number(record)
    numbers = [number_in(seen) for seen in record.reads if _is_success(seen)]
    return any(number is not None and number > first for number in numbers)


def _first_number(record: ProbeRecord) -> int:
    """Give what a counter said before anything was counted."""
    return (number_in(record.before) if record.before else None) or 0


def _result(
    record: ProbeRecord,
    state: ProbeState,
    *,
    detail: str,
    right: Counter[str] | None = None,
    wrong: Counter[str] | None = None,
    one_server: bool = False,
) -> ProbeResult:
    return ProbeResult(
        worker=record.worker,
        check=record.check.name,
        state=state,
        write=told(record.check.write, record.token),
        read=told(record.check.read, record.token),
        written_by=record.writes[0].replica if len(record.writes) == 1 else None,
        right=dict(sorted((right or {}).items())),
        wrong=dict(sorted((wrong or {}).items())),
        one_server=one_server,
        detail=detail,
    )


def _excerpt(seen: Seen) -> str:
    body = seen.body.strip()
    return body if len(body) <= EXCERPT_CHARS else f"{body[:EXCERPT_CHARS]} …"


def _was_answered(seen: Seen) -> bool:
    return seen.status is not None and seen.status not in NO_ANSWER


def _is_success(seen: Seen) -> bool:
    return seen.status is not None and seen.status < FIRST_ERROR_STATUS


def _name(seen: Seen) -> str:
    return seen.replica or "an unknown server"


def _refusal(record: ProbeRecord, refused: Seen | None) -> str:
    if refused is None:
        return "It was not tried."
    step = record.check.read if refused is record.before else record.check.write
    said = f": {_excerpt(refused)}" if refused.body.strip() else ""
    return f"{told(step, record.token)} got {refused} from {_name(refused)}{said}"


def _expectation(record: ProbeRecord) -> tuple[str, Callable[[Seen], bool]]:
    """Give what a right answer holds, in words, and how to tell one."""
    if record.check.kind is CheckKind.VALUE:
        return record.token, lambda seen: _is_success(seen) and record.token in seen.body
    wanted = _first_number(record) + len(record.writes)
    return str(wanted), lambda seen: _is_success(seen) and number_in(seen) == wanted


def _one_server(
    record: ProbeRecord, answered: Sequence[Seen], is_right: Callable[[Seen], bool]
) -> str | None:
    """Give a replica that contradicts itself: its processes do not share what they know.

    For a value that is the one that took it and yet does not know it; for a count any one that
    gives several numbers.
    """
    if record.check.kind is CheckKind.VALUE:
        writer = record.writes[0].replica
        own = [seen for seen in answered if seen.replica == writer and not is_right(seen)]
        return writer if own else None
    numbers: dict[str, set[int | None]] = {}
    for seen in answered:
        numbers.setdefault(_name(seen), set()).add(number_in(seen))
    return next((name for name in sorted(numbers) if len(numbers[name]) > 1), None)


def _accusation(
    record: ProbeRecord,
    answered: Sequence[Seen],
    is_right: Callable[[Seen], bool],
    expected: str,
    alone: str | None,
) -> str:
    """Name the request that showed it: who was written to, and who answered what."""
    wrong = [seen for seen in answered if not is_right(seen)]
    others = [seen for seen in wrong if seen.replica != record.writes[0].replica]
    example = (others or wrong)[0]
    of_it = [seen for seen in answered if seen.replica == example.replica]
    times = sum(not is_right(seen) for seen in of_it)
    write = told(record.check.write, record.token)
    if record.check.kind is CheckKind.VALUE:
        done = f"After {write} through {_name(record.writes[0])}"
    else:
        done = f"After {len(record.writes)} times {write}, with {expected} to be counted in all"
    answer = f"{example} {_excerpt(example)}".strip()
    told_alone = (
        f" So it is with one server already: the processes of {alone} contradict one another."
        if alone
        else ""
    )
    return (
        f"{done}, {told(record.check.read, record.token)} was answered by {_name(example)} with"
        f" {answer} ({times} of {len(of_it)} times).{told_alone}"
    )
