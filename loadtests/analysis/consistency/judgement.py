"""The results of checks that need no declaration, from the answers to them. PURE.

``breaks`` is only what ``reading`` calls certain. What differs otherwise is a note, with both
answers side by side. What could not be asked is unchecked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from loadtests.analysis import remedies
from loadtests.analysis.consistency import normal_form, processes, reading
from loadtests.analysis.consistency.reading import Reading, Standing
from loadtests.analysis.failures.wording import excerpt
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen

SHOWN_CHARS = 200
"""Characters of an answer's body that a result keeps."""

TIME_OVER = "the time for the checks was over"
"""Why a request has no answer that was not sent any more."""


NOT_ALIKE = "which are not all the same."
"""How the sentence on a request ends that servers only accept."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose requests were asked: a worker model's and a workload's."""

    worker: str
    workload: str

    def result(
        self, kind: ProbeKind, check: str, state: ProbeState, detail: str, **fields: object
    ) -> ProbeResult:
        """Return a result of this worker model and workload; ``fields`` are its other fields."""
        plain = ProbeResult(
            worker=self.worker,
            workload=self.workload,
            check=check,
            kind=kind,
            state=state,
            write="",
            read=check,
            written_by=None,
            detail=detail,
        )
        return replace(plain, **fields)  # type: ignore[arg-type]  # each is a field's value


def judge(asked: Asked, found: Reading) -> ProbeResult:
    """Return the result of one request."""
    heard = _heard(found)
    if not any(reading.is_right(heard, seen) for seen in heard.at_home):
        return _unchecked(asked, found)
    found = heard
    wrong = reading.wrong_servers(found)
    alone = processes.processes_disagree(found)
    if wrong or alone:
        return _breaks(asked, found, wrong, alone=alone)
    if reading.suspects(found) or processes.is_mixed(found):
        return _unconfirmed(asked, found)
    other = reading.differs(found)
    if other is not None:
        return _note(asked, found, other)
    return _agreed(asked, found)


def _heard(found: Reading) -> Reading:
    """Return a reading without the requests for which no time was left."""

    def sent(answers: Sequence[Seen]) -> tuple[Seen, ...]:
        return tuple(seen for seen in answers if seen.error != TIME_OVER)

    answers = {server: sent(answers) for server, answers in found.answers.items()}
    return replace(found, answers=answers, stranger=sent(found.stranger))


def _kind(found: Reading) -> ProbeKind:
    return ProbeKind.WRITTEN if found.values or found.derived else ProbeKind.ANSWER


def _counts(found: Reading, is_counted: Callable[[Reading, Seen], bool]) -> dict[str, int]:
    counts = {
        server: sum(is_counted(found, seen) for seen in answers)
        for server, answers in found.answers.items()
    }
    return {server: count for server, count in counts.items() if count}


def _breaks(asked: Asked, found: Reading, wrong: Sequence[str], *, alone: bool) -> ProbeResult:
    other = found.home if alone else wrong[0]
    right = _first(found, found.home, reading.is_right)
    bad = _first(found, other, reading.is_wrong)
    right_counts, wrong_counts = (
        _counts(found, reading.is_right),
        _counts(found, reading.is_wrong),
    )
    detail = (
        _inside(found, right, bad, right_counts, wrong_counts)
        if alone
        else _across(found, other, right, bad)
    )
    return asked.result(
        _kind(found),
        found.check,
        ProbeState.BREAKS,
        detail,
        write=found.written_by or "",
        written_by=found.home,
        right=right_counts,
        wrong=wrong_counts,
        one_server=alone,
        answers=(shortened(right), shortened(bad)),
        remedy=_remedy(found, bad).advice,
    )


def _first(found: Reading, server: str, is_counted: Callable[[Reading, Seen], bool]) -> Seen:
    return next(seen for seen in found.answers[server] if is_counted(found, seen))


def shortened(seen: Seen) -> Seen:
    """Return an answer with the beginning of its body."""
    return replace(seen, body=seen.body[:SHOWN_CHARS])


def _knows_client(found: Reading) -> bool:
    """Return whether home tells the client from a stranger."""
    return bool(found.stranger) and all(
        not reading.is_right(found, seen) for seen in found.stranger
    )


def _refuses_client(found: Reading, bad: Seen) -> bool:
    """Return whether a wrong answer is what a client gets who is not known."""
    return _knows_client(found) and reading.is_refusal(found, bad)


def _across(found: Reading, other: str, right: Seen, bad: Seen) -> str:
    answers = _both(found, other, right, bad)
    if _refuses_client(found, bad):
        return f"The {found.credential} that {found.home} gave is refused by {other}. {answers}"
    if found.written_by is not None and (found.values or found.derived):
        missing = f" ({found.values[0]!r})" if found.values else ""
        return (
            f"What {found.written_by} wrote through {found.home} is not there at"
            f" {other}{missing}. {answers}"
        )
    return f"{found.home} and {other} answer one client's request differently. {answers}"


def _both(found: Reading, other: str, right: Seen, bad: Seen) -> str:
    """Return how often home was right and the other was wrong, with an answer of each."""
    home, there = len(found.at_home), len(found.answers[other])
    times = sum(reading.is_right(found, seen) for seen in found.at_home)
    often = f"{min(home, there)} of {min(home, there)} times each"
    if times < home:
        often = f"{times} of {home} times and {there} of {there} times"
    return (
        f"{found.home} answered {found.name} with {in_words(right)}, and {other} with"
        f" {in_words(bad)}, {often}."
    )


def _inside(
    found: Reading,
    right: Seen,
    bad: Seen,
    right_counts: Mapping[str, int],
    wrong_counts: Mapping[str, int],
) -> str:
    home = found.home
    return (
        f"Already between the processes of one server answers differ: to the same client, {home}"
        f" answered {found.name} {right_counts[home]} times with {in_words(right)}, and"
        f" {wrong_counts[home]} times with {in_words(bad)}."
    )


def _remedy(found: Reading, bad: Seen) -> remedies.Remedy:
    known = None
    if reading.standing(bad) in {Standing.REFUSED, Standing.ERROR}:  # a page has such words, too
        known = remedies.remedy_for(bad.body, bad.location or "", found.name)
    if known is not None:
        return known
    return remedies.SESSION if _refuses_client(found, bad) else remedies.STATE


def _note(asked: Asked, found: Reading, other: str) -> ProbeResult:
    one, two = found.at_home[0], found.answers[other][0]
    first, second = normal_form.difference(one.body, two.body)
    lengths = f"{len(one.body):,} and {len(two.body):,} characters"
    return asked.result(
        _kind(found),
        found.check,
        ProbeState.NOTE,
        f"{found.home} and {other} answer {found.name} with different content ({lengths}), which"
        f" may be harmless: {excerpt(first)!r} and {excerpt(second)!r}.",
        answers=(shortened(one), shortened(two)),
        right=_counts(found, reading.is_right),
        written_by=found.home,
    )


def _unconfirmed(asked: Asked, found: Reading) -> ProbeResult:
    """Return a note on answers that differ, but not so that it would be certain."""
    other = next(iter(reading.suspects(found)), found.home)
    right = _first(found, found.home, reading.is_right)
    bad = _first(found, other, reading.is_wrong)
    is_short = len(found.answers[other]) < reading.CONFIRM
    but = "too few times to be sure" if is_short else "not always, so that may be harmless"
    return asked.result(
        _kind(found),
        found.check,
        ProbeState.NOTE,
        f"{found.name} was answered with {in_words(right)} by {found.home}, and with"
        f" {in_words(bad)} by {other}, but {but}.",
        answers=(shortened(right), shortened(bad)),
        right=_counts(found, reading.is_right),
        wrong=_counts(found, reading.is_wrong),
        written_by=found.home,
    )


def _unchecked(asked: Asked, found: Reading) -> ProbeResult:
    answer = found.at_home[0]
    detail = (
        not_asked(found.name)
        if answer.error == TIME_OVER
        else f"{found.home} itself answered {found.name} with {in_words(answer)}, so there is"
        " nothing to compare."
    )
    return asked.result(
        _kind(found), found.check, ProbeState.UNCHECKED, detail, answers=(shortened(answer),)
    )


def not_asked(name: str) -> str:
    """Return the sentence on a request for which no time was left."""
    return f"{name} was not asked: {TIME_OVER}."


def _agreed(asked: Asked, found: Reading) -> ProbeResult:
    right = _counts(found, reading.is_right)
    silent = [server for server in found.answers if server not in right]
    if silent:
        example = found.answers[silent[0]]
        detail = (
            f"{silent[0]} answered {found.name} with {in_words(example[0])}, which says nothing of"
            " its state."
            if example
            else f"{silent[0]}: {not_asked(found.name)}"
        )
        return asked.result(_kind(found), found.check, ProbeState.UNCHECKED, detail, right=right)
    servers = len(found.answers)
    who = f"All {servers} servers" if servers > 1 else f"All answers of {found.home}"
    number = sum(right.values())
    detail = (
        f"{who} answered {found.name} alike ({number} answers)."
        if _are_alike(found)
        else f"{who} accepted {found.name} ({number} answers), {NOT_ALIKE}"
    )
    state = ProbeState.OK
    if found.may_be_older:
        state = ProbeState.UNCHECKED
        detail += (
            f" That page may be older than {found.written_by}: nothing that was written is in it."
        )
    return asked.result(
        _kind(found),
        found.check,
        state,
        detail,
        write=found.written_by or "",
        written_by=found.home,
        right=right,
    )


def _are_alike(found: Reading) -> bool:
    """Return whether all answers are the same but for what changes anyway."""
    answers = [seen for answers in found.answers.values() for seen in answers]
    right = [seen for seen in answers if reading.is_right(found, seen)]
    return len({(seen.status, normal_form.normal(seen.body)) for seen in right}) == 1


def only_accepted(result: ProbeResult) -> bool:
    """Return whether servers accepted a request, and answered it with this and that."""
    return result.state is ProbeState.OK and result.detail.endswith(NOT_ALIKE)


def in_words(seen: Seen) -> str:
    """Return an answer for people: its status, its redirect and the beginning of its body."""
    if seen.status is None:
        return f"nothing ({seen.error})"
    target = f" → {seen.location}" if seen.location else ""
    body = f" {excerpt(seen.body)}" if seen.body.strip() and not seen.location else ""
    return f"{seen.status}{target}{body}"
