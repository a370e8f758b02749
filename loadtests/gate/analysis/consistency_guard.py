"""Checks whether two replicas of head give consistent answers where those of base do. PURE.

A check (``loadtests.model.consistency``) runs on both versions, and so do the requests of the load,
asked of each replica directly. If only head fails, both run it again, up to ``TRIES`` times. Both
are asked the same in a try, and the next try draws other values. Head regressed if it failed every
try and base failed none. So it did if base met a declared check in every try and head in none, such
as a login that it refuses. For two equal versions that fail a share p of their tries independently,
this happens by chance with probability (p(1 − p))^TRIES, at most 4^−TRIES.

Of a check that writes the same in every try, only the reads are made again. Its tries share one
write, so they are not independent. Where a share p of the writes is lost by chance, two equal
versions come to that with probability p(1 − p), at most 1/4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from loadtests.analysis.consistency import declared
from loadtests.analysis.consistency.rate_limits import counts_alone
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.vocabulary import SideName
from loadtests.model.consistency import (
    SAMPLE_CHECKS,
    Check,
    ProbeKind,
    ProbeRecord,
    ProbeResult,
    ProbeState,
)

CHECKS = SAMPLE_CHECKS
"""An application without these paths leaves the checks open, and the reports omit them."""

TRIES = 6
"""Tries of each check; the chance of a false alarm is then 0.02 %."""

MOST_ROUNDS = 2 * TRIES
"""Rounds of tries at most: a check whose name is another in every round has one try for ever."""

ALIKE = "Both replicas see what is written through either of them."

MOST_NAMED = 5
"""Checks that a sentence names."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """All tries of one check on one worker model, in order."""

    check: str
    base: tuple[ProbeResult, ...]
    head: tuple[ProbeResult, ...]

    @property
    def known(self) -> bool:
        """Whether at least one version could be checked."""
        return any(map(self.checked, SideName))

    @property
    def suspect(self) -> bool:
        """Whether head failed every try so far, and base failed none."""
        breaks = bool(self.head) and all(map(_breaks, self.head))
        return (breaks and not any(map(_breaks, self.base))) or self.unmet

    @property
    def unmet(self) -> bool:
        """Whether head met a declared check in no try so far, and base met it in all.

        Without an answer of the application, as of a server that is too busy, nothing is known.
        """
        fails = all(_breaks(result) or _is_unmet(result) for result in self.head)
        is_right = bool(self.base) and all(one.state is ProbeState.OK for one in self.base)
        return is_right and fails and any(map(_is_unmet, self.head))

    def checked(self, side: SideName) -> bool:
        """Return whether a version could be checked."""
        return any(result.state is not ProbeState.UNCHECKED for result in self.of(side))

    def of(self, side: SideName) -> tuple[ProbeResult, ...]:
        """Return the tries of a version."""
        return {SideName.BASE: self.base, SideName.HEAD: self.head}[side]

    @property
    def worse(self) -> bool:
        """Whether enough tries show that head regressed."""
        return self.suspect and len(self.head) >= TRIES


def judge(record: ProbeRecord) -> ProbeResult:
    """Return the result of one try.

    An application that accepts any path and stores nothing is unchecked, not inconsistent. A write
    that it refuses counts as a wrong answer, so that the check is known to be met nowhere.
    """
    result = declared.judge(record)
    refusal = declared.refused(record)
    if refusal is not None and refusal.replica and declared.was_answered(refusal):
        return replace(result, wrong={refusal.replica: 1})
    is_right_nowhere = result.state is ProbeState.BREAKS and not result.right
    if is_right_nowhere and not declared.had_effect(record):
        detail = f"{result.read} shows nothing of what was written, on any replica."
        return replace(result, state=ProbeState.UNCHECKED, detail=detail)
    return result


def folded(results: Iterable[ProbeResult]) -> tuple[ProbeResult, ...]:
    """Return one result for each check of one try, the worst of it.

    Several requests may share a check, such as the notes of one range of numbers.
    """
    worst: dict[str, ProbeResult] = {}
    for result in results:
        known = worst.get(result.check)
        if known is None or _rank(result) < _rank(known):
            worst[result.check] = result
    return tuple(worst.values())


def compared(evidence: Evidence, worker: str) -> tuple[Compared, ...]:
    """Return the tries on one worker model, one entry per check."""
    attempts = [attempt for attempt in evidence.probes if attempt.result.worker == worker]

    def tries(check: str, side: SideName) -> tuple[ProbeResult, ...]:
        return tuple(
            attempt.result
            for attempt in attempts
            if (attempt.result.check, attempt.side) == (check, side)
        )

    return tuple(
        Compared(
            check=check,
            base=tries(check, SideName.BASE),
            head=tries(check, SideName.HEAD),
        )
        for check in dict.fromkeys(attempt.result.check for attempt in attempts)
    )


def to_try(evidence: Evidence, worker: str, checks: Sequence[Check] = CHECKS) -> tuple[Check, ...]:
    """Return the checks that need another try; at first, all of them."""
    by_check = {comparison.check: comparison for comparison in compared(evidence, worker)}
    return tuple(
        check
        for check in checks
        if check.name not in by_check
        or (by_check[check.name].suspect and not by_check[check.name].worse)
    )


def is_to_ask(evidence: Evidence, worker: str) -> bool:
    """Return whether the requests of the load need another try; at first they do."""
    undeclared = _undeclared(evidence, worker)
    return not undeclared or any(one.suspect and not one.worse for one in undeclared)


def times_asked(evidence: Evidence, worker: str) -> int:
    """Return how often the requests of the load were asked of both versions, at least."""
    undeclared = _undeclared(evidence, worker)
    return max((max(len(one.base), len(one.head)) for one in undeclared), default=0)


def _undeclared(evidence: Evidence, worker: str) -> list[Compared]:
    return [
        comparison
        for comparison in compared(evidence, worker)
        if any(
            result.kind is not ProbeKind.DECLARED for result in (*comparison.base, *comparison.head)
        )
    ]


def wrong_ratio(results: Iterable[ProbeResult]) -> float | None:
    """Return the share of wrong answers, or None if nothing could be checked."""
    checked = [result for result in results if result.state is not ProbeState.UNCHECKED]
    wrong = sum(sum(result.wrong.values()) for result in checked)
    right = sum(sum(result.right.values()) for result in checked)
    return wrong / (wrong + right) if wrong + right else None


def reason(comparisons: Sequence[Compared]) -> str:
    """Return sentences about the checks that could be made on one version at least."""
    unmet = [comparison for comparison in comparisons if comparison.worse and comparison.unmet]
    wrong = [comparison for comparison in comparisons if comparison.worse and not comparison.unmet]
    inconsistent = [
        comparison
        for comparison in comparisons
        if any(map(_breaks, (*comparison.base, *comparison.head)))
    ]
    if wrong or unmet:
        told = (*([_of_wrong(wrong)] if wrong else []), *([_of_unmet(unmet)] if unmet else []))
        return " ".join(told)
    if inconsistent:
        return _whose(inconsistent[0])
    return _unchecked(comparisons) or ALIKE


def is_only_unmet(evidence: Evidence, worker: str) -> bool:
    """Return whether head is worse only by checks that it meets in no try."""
    return all(each.unmet for each in compared(evidence, worker) if each.worse)


def examples(evidence: Evidence, worker: str) -> tuple[str, ...]:
    """Return one wrong answer of each inconsistent check, as a sentence."""
    sentences = []
    for comparison in compared(evidence, worker):
        results = (*comparison.head, *comparison.base)
        broken = [result for result in results if _breaks(result)]
        if comparison.worse and comparison.unmet:
            broken = [result for result in comparison.head if _is_unmet(result)]
        sentences += [
            f"{worker} {comparison.check}: {_detail(comparison, result)}" for result in broken[:1]
        ]
    return tuple(sentences)


def _of_base(comparison: Compared) -> str:
    is_right = any(result.state is ProbeState.OK for result in comparison.base)
    return "Base is consistent." if is_right else "Base could not be checked."


def _of_wrong(wrong: Sequence[Compared]) -> str:
    checks = ", ".join(comparison.check for comparison in wrong)
    return (
        f"Head gave wrong answers with two replicas in all {len(wrong[0].head)} tries"
        f" ({checks}). {_of_base(wrong[0])}"
    )


def _of_unmet(unmet: Sequence[Compared]) -> str:
    tries = len(unmet[0].head)
    return (
        f"Base met {_named(unmet)} with two replicas in all {tries} tries, and head in none:"
        f" {_detail(unmet[0], unmet[0].head[-1])}"
    )


def _detail(comparison: Compared, result: ProbeResult) -> str:
    """Return what one try showed; where a version met the check, it is no fault of the check."""
    is_met = any(one.state is ProbeState.OK for one in (*comparison.base, *comparison.head))
    is_to_correct = result.state is ProbeState.UNCHECKED and not is_met
    return f"{result.detail} {result.remedy if is_to_correct else ''}".rstrip()


def _unchecked(comparisons: Sequence[Compared]) -> str:
    """Return what could not be checked on one version, with the first reason; "" if all was."""
    sentences = []
    for side in SideName:
        open_ones = [comparison for comparison in comparisons if not comparison.checked(side)]
        if open_ones:
            results = open_ones[0].of(side)
            why = f" {_detail(open_ones[0], results[-1])}" if results else ""
            sentences.append(f"Not checked on {side}: {_named(open_ones)}.{why}")
    return " ".join(sentences)


def _named(comparisons: Sequence[Compared]) -> str:
    names = [comparison.check for comparison in comparisons]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _whose(comparison: Compared) -> str:
    base, head = (any(map(_breaks, side)) for side in (comparison.base, comparison.head))
    if base and head:
        return "Both versions give wrong answers with two replicas, so nothing changed."
    if base:
        return "Base gives wrong answers with two replicas; head does not."
    times = sum(map(_breaks, comparison.head))
    return (
        f"Head gave wrong answers in {times} of {len(comparison.head)} tries, which may be chance."
    )


def _rank(result: ProbeResult) -> int:
    """Return how much a result says, the most telling as 0."""
    order = (ProbeState.BREAKS, ProbeState.NOTE, ProbeState.OK, ProbeState.UNCHECKED)
    return 0 if _breaks(result) else order.index(result.state)


def _is_unmet(result: ProbeResult) -> bool:
    """Return whether a declared check got answers of the application, and none was right."""
    return result.kind is ProbeKind.DECLARED and declared.was_met_by_nobody(result)


def _breaks(result: ProbeResult) -> bool:
    """Return whether two replicas do not answer as one.

    A rate limit that each counts alone is only a note in a run, which sees its refusals. A gate
    compares: where base counts as one, head no longer does.
    """
    return result.state is ProbeState.BREAKS or counts_alone(result)
