"""The sentences about failed requests. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis.failures import significance
from loadtests.analysis.failures.counting import all_kinds
from loadtests.model.failures import AnswerExample, FailureCount, FailureResult, FailureShape

EXCERPT_CHARS = 120
"""Longest part of an answer or a log that a sentence quotes."""

MOST_KINDS = 3

LIKE_RATIO = 0.15
"""Two rates of accepted requests are alike when they differ by less."""


def explained(result: FailureResult, *, counts_alone: bool = False) -> FailureResult:
    """Return the result with its sentences.

    ``counts_alone`` says that its servers were seen to count a rate limit each for itself.
    """
    sentences = [_sentence(result, counts_alone=counts_alone), *_answers(result)]
    if result.cause:
        sentences.append(f"{result.cause[0].upper()}{result.cause[1:]}.")
    return replace(result, detail=" ".join(sentences))


def shares(counts: Sequence[FailureCount]) -> str:
    """Return the failures at each count: ``0 of 500 at 1, 250 of 1,000 at 2 replicas``."""
    parts = [f"{count.failed:,} of {count.total:,} at {count.replicas}" for count in counts]
    return f"{', '.join(parts)} replica{'s' if counts[-1].replicas > 1 else ''}"


def one_in(ratio: float) -> str:
    """Return a share in words: ``1 in 90``."""
    return f"1 in {1 / ratio:.0f}" if ratio < 1 else "all"


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT_CHARS else f"{line[:EXCERPT_CHARS]} …"


def _sentence(result: FailureResult, *, counts_alone: bool) -> str:
    subject = "Requests" if result.name is None else f"{result.name}:"
    verb = "failed" if result.name is None else "failures"
    counts = shares(result.counts)
    match result.shape:
        case FailureShape.MORE_SERVERS:
            first = min(result.breaks_at)
            return f"From {first} replicas on, {_named(result)} fail: {counts}{_kinds(result)}."
        case FailureShape.ALIKE:
            return (
                f"{subject} {verb} at about the same share with any number of replicas ({counts}),"
                " so the load or the application itself is at fault, not the number of servers."
            )
        case FailureShape.FALLING:
            return (
                f"{subject} {verb} less often with more replicas ({counts}): one replica has too"
                " little of something, such as connections. The factor of the good answers then"
                " exceeds that of the work, and means nothing."
            )
        case FailureShape.RISING if not result.counts[0].failed:
            few = "" if _are_enough(result.counts) else ", in too few windows to call that a break"
            return f"{subject} {verb} with more replicas only ({counts}){few}."
        case FailureShape.RISING:
            return (
                f"{subject} {verb} with the fewest replicas already, and more often with more"
                f" ({counts})."
            )
        case FailureShape.LIMITED:
            return _limited(result, counts, counts_alone=counts_alone)
        case FailureShape.TOO_SLOW:
            return (
                f"{subject} failed by the load's own limit of time, about"
                f" {result.limit_ms or 0:,.0f} ms ({counts}). These answers were late, not wrong,"
                " and the figures without them are no measure of the application."
            )
        case FailureShape.SHARED_ACCOUNTS:
            where = "" if result.name is None else f" at {result.name}"
            return f"Users who had logged in are refused{where}: {counts}{_kinds(result)}."
        case FailureShape.NONE:
            return _nothing(result, subject, verb)


def _limited(result: FailureResult, counts: str, *, counts_alone: bool) -> str:
    if _commonest(result) != "status 429":
        return f"A limit refuses requests: {counts}{_kinds(result)}."
    limit = _limit(result, counts_alone=counts_alone)
    return f"The application limits the rate: {counts}, most by status 429.{limit}"


def _are_enough(counts: Sequence[FailureCount]) -> bool:
    """Return whether the windows suffice to tell failures with more replicas from chance."""
    first, *others = (((0, 1),) * count.windows for count in counts)
    above = tuple((1, 1) for windows in others for _ in windows)
    sides = significance.Sides(below=first, above=above)
    return significance.window_chance(sides) <= significance.WINDOW_LEVEL


def _limit(result: FailureResult, *, counts_alone: bool) -> str:
    """Return who counts a limit, by how many requests are accepted with more replicas."""
    fewest, most = result.counts[0], result.counts[-1]
    accepted = [(c.total - c.failed) / c.windows for c in (fewest, most) if c.failed]
    if len(accepted) < 2 or not accepted[0]:
        return ""
    factor, servers = accepted[1] / accepted[0], most.replicas / fewest.replicas
    if abs(factor - servers) <= LIKE_RATIO * servers:
        why = (
            "each process counts alone, so the limit grows with the servers."
            if counts_alone
            else "either each process counts alone, or each user has a limit of their own, for more"
            " replicas get more users."
        )
        accept = f"accept {factor:.1f} times what {fewest.replicas} accept"
        return f" {most.replicas} replicas {accept}: {why}"
    if abs(factor - 1) <= LIKE_RATIO:
        return (
            " As many are accepted with any number of replicas: all users come from one address and"
            " share one limit."
        )
    return ""


def _nothing(result: FailureResult, subject: str, verb: str) -> str:
    if not any(count.failed for count in result.counts):
        total = sum(count.total for count in result.counts)
        return f"None of {total:,} requests failed."
    if result.chance is None:
        return f"{subject} {verb}: {shares(result.counts)}."
    p = f" (p = {result.chance:.2g})" if result.chance < 1 else ""
    return f"{subject} {verb}: {shares(result.counts)}. That may be chance{p}."


def _named(result: FailureResult) -> str:
    return "requests" if result.name is None else f"requests {result.name}"


def _kinds(result: FailureResult) -> str:
    named = list(all_kinds(result.counts).items())[:MOST_KINDS]
    return f" ({', '.join(f'{kind} {number:,}' for kind, number in named)})"


def _commonest(result: FailureResult) -> str:
    return next(iter(all_kinds(result.counts)), "")


def _answers(result: FailureResult) -> list[str]:
    """Return both answers, and the line of the log that explains the wrong one."""
    wrong, right = result.wrong, result.right
    if wrong is None or result.shape is FailureShape.NONE:
        return []
    who = f"{wrong.replica} answered" if wrong.replica else "The answer was"
    sentences = [f"{who} {_answer(wrong)} to {wrong.name}."]
    if right is not None:
        sentences.append(f"A right answer is {_answer(right)}.")
    if wrong.log_line:
        whose = "Its" if wrong.replica else "The proxy's"
        sentences.append(f"{whose} log says: {excerpt(wrong.log_line)}")
    return sentences


def _answer(example: AnswerExample) -> str:
    outcome = example.outcome if example.status is None else str(example.status)
    judged = " (rejected by the load's own check)" if example.outcome == "rejected" else ""
    target = f" → {example.location}" if example.location else ""
    body = f" {excerpt(example.body_start)}" if example.body_start.strip() else ""
    return f"{outcome}{target}{body}{judged}"


def visible(result: FailureResult) -> str:
    """Return what could have been seen where nothing was; empty where that is not known."""
    parts = [
        f"{one_in(ratio)} requests from {count} replicas on"
        for count, ratio in sorted(result.visible_ratio.items())
    ]
    if not parts:
        return ""
    return f"A fault in {' or '.join(parts)} would have been found in 99 of 100 runs."
