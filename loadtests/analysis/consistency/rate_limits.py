"""Whether each server counts a rate limit alone, by the answers to the checks. PURE."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests.analysis import remedies
from loadtests.analysis.consistency.judgement import Asked
from loadtests.analysis.shared.statuses import FIRST_ERROR_STATUS, TOO_MANY_REQUESTS
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen

WAITS_LONG_S = 60
"""Seconds of ``Retry-After`` from which a refusal outlasts the checks."""

COUNTS_ALONE = "Each server counts the rate limit alone"
"""How the sentence on a limit begins that two servers do not count together."""


def counting_alone(results: Iterable[ProbeResult]) -> frozenset[str]:
    """Return the worker models whose servers were seen to count a rate limit each for itself."""
    return frozenset(result.worker for result in results if counts_alone(result))


def counts_alone(result: ProbeResult) -> bool:
    """Return whether a result says that each server counts a rate limit alone."""
    return result.kind is ProbeKind.LIMIT and result.detail.startswith(COUNTS_ALONE)


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One answer: to which request, with the client's cookies or as a stranger.

    ``retry_after_s`` is what a refusal says of when to ask again, in seconds.
    """

    seen: Seen
    request: str = ""
    as_stranger: bool = False
    retry_after_s: int | None = None

    @property
    def left(self) -> int | None:
        """How many more requests the server allows; None where it does not say."""
        if self.seen.limit_left is None and self.seen.status == TOO_MANY_REQUESTS:
            return 0
        return self.seen.limit_left


Turn = Sequence[tuple[int, Heard]]
"""Answers of one server that follow one another, each with its place among all."""


def limits(asked: Asked, found: Sequence[Heard]) -> ProbeResult | None:
    """Return a note where each server counts a rate limit alone, by its answers.

    ``found`` are all answers, in the order in which they came.
    """
    alone = _by_counts(found) or _by_refusals(found)
    limited = sum(heard.seen.status == TOO_MANY_REQUESTS for heard in found)
    if not alone and not limited:
        return None
    return asked.result(
        ProbeKind.LIMIT,
        "rate limit",
        ProbeState.NOTE,
        f"{COUNTS_ALONE}: {alone} Two servers allow twice as much."
        if alone
        else f"The application limits the rate: {limited} of {len(found)} requests of the checks"
        " got 429.",
        remedy=remedies.LIMITER.advice,
    )


def _by_counts(found: Sequence[Heard]) -> str:
    """Compare what servers have left, asked in turns; requests of one turn come in any order.

    Where a server has more left than another had before, and that other one has less afterwards,
    they do not count together. A limit that all share may begin anew in between, but each request
    then takes one of it: servers count alone only where more is gone than was asked meanwhile.
    """
    told = [
        (place, heard)
        for place, heard in enumerate(found)
        if heard.left is not None and not heard.as_stranger
    ]
    turns = [list(turn) for _, turn in itertools.groupby(told, key=lambda each: _server(each[1]))]
    for before, between, after in zip(turns, turns[1:], turns[2:], strict=False):
        names = [_server(turn[0][1]) for turn in (before, between, after)]
        common = frozenset.intersection(*map(_requests, (before, between, after)))
        if names[0] != names[2] or not common:
            continue
        least, more, less = min(_left(before)), max(_left(between)), max(_left(after))
        others = after[-1][0] - between[0][0] + 1 - len(between) - len(after)
        if more > least >= less and min(_left(between)) - less > others + 1:
            return (
                f"{names[0]} had {least} requests left, then {names[1]} {more}, then"
                f" {names[2]} {less}."
            )
    return ""


def _server(heard: Heard) -> str | None:
    return heard.seen.replica


def _requests(turn: Turn) -> frozenset[str]:
    return frozenset(heard.request for _, heard in turn)


def _left(turn: Turn) -> list[int]:
    return [heard.left or 0 for _, heard in turn]


def _by_refusals(found: Sequence[Heard]) -> str:
    """Compare a refusal that lasts for longer than the checks with what comes from another.

    Answers to one request are compared. The one that refused must do so again after that, and the
    other accept all of its turn: a limit of both that was over, or is used up again, may say the
    same number of seconds every time.
    """
    by_request: dict[tuple[str, bool], list[Heard]] = {}
    for heard in found:
        by_request.setdefault((heard.request, heard.as_stranger), []).append(heard)
    for group in by_request.values():
        turns = [list(turn) for _, turn in itertools.groupby(group, key=_server)]
        if sentence := _refused_by_one(turns):
            return sentence
    return ""


def _refused_by_one(turns: Sequence[Sequence[Heard]]) -> str:
    """Return what shows that one server refuses a request that another accepts; "" for nothing."""
    for index, (before, after) in enumerate(itertools.pairwise(turns)):
        refused, accepted = before[-1], after[0]
        home = refused.seen.replica
        again = next((turn for turn in turns[index + 2 :] if turn[0].seen.replica == home), ())
        waits_s = refused.retry_after_s or 0
        is_limited = refused.seen.status == TOO_MANY_REQUESTS and waits_s >= WAITS_LONG_S
        is_still_limited = again and all(heard.seen.status == TOO_MANY_REQUESTS for heard in again)
        if is_limited and is_still_limited and all(map(_is_accepted, after)):
            return (
                f"{home} refused {refused.request} for the next {waits_s} s,"
                f" {accepted.seen.replica} accepted it after that, and {home} still refused it."
            )
    return ""


def _is_accepted(heard: Heard) -> bool:
    return heard.seen.status is not None and heard.seen.status < FIRST_ERROR_STATUS
