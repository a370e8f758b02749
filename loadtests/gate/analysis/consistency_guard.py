"""Do two replicas of head still answer as one, where those of base do? PURE.

A check (``loadtests.model.consistency``) is tried on both sides. Where head was wrong and base was
not, both are tried again, ``TRIES`` times in all. It is head's doing where head was wrong every
time and base never. Two versions that are alike, and wrong in a share p of all tries, come to that
with a chance of (p(1 − p))^TRIES, at most 4^−TRIES.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from loadtests.analysis import consistency
from loadtests.gate.model import Evidence, SideName
from loadtests.model.consistency import SAMPLE_CHECKS, Check, ProbeRecord, ProbeResult, ProbeState

CHECKS = SAMPLE_CHECKS
"""An application that has nothing at these paths leaves them open, and nothing is said of it."""

TRIES = 6
"""The chance that is left is 0.02 % for each check."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """All tries of one check of one worker model, in their order."""

    check: str
    base: tuple[ProbeResult, ...]
    head: tuple[ProbeResult, ...]

    @property
    def known(self) -> bool:
        """Whether either side has what is checked."""
        return any(each.state is not ProbeState.UNCHECKED for each in (*self.base, *self.head))

    @property
    def suspect(self) -> bool:
        """Whether head was wrong each time so far, and base never."""
        return bool(self.head) and all(map(_breaks, self.head)) and not any(map(_breaks, self.base))

    @property
    def worse(self) -> bool:
        """Whether that is shown."""
        return self.suspect and len(self.head) >= TRIES


def judge(record: ProbeRecord) -> ProbeResult:
    """Say what the answers of one try mean.

    An application that takes any path and keeps nothing is not wrong: there is nothing to check.
    """
    result = consistency.judge(record)
    if result.state is ProbeState.BREAKS and not consistency.had_effect(record):
        detail = f"{result.read} shows nothing of what was written, whoever is asked."
        return replace(result, state=ProbeState.UNCHECKED, detail=detail)
    return result


def compared(evidence: Evidence, worker: str) -> tuple[Compared, ...]:
    """Give what was tried of one worker model, a check each."""
    mine = [each for each in evidence.probes if each.result.worker == worker]

    def tries(check: str, side: SideName) -> tuple[ProbeResult, ...]:
        return tuple(
            each.result for each in mine if (each.result.check, each.side) == (check, side)
        )

    return tuple(
        Compared(
            check=check,
            base=tries(check, SideName.BASE),
            head=tries(check, SideName.HEAD),
        )
        for check in dict.fromkeys(each.result.check for each in mine)
    )


def to_try(evidence: Evidence, worker: str) -> tuple[Check, ...]:
    """Give the checks that another try would tell more of: at first all of them."""
    found = {each.check: each for each in compared(evidence, worker)}
    return tuple(
        check
        for check in CHECKS
        if check.name not in found or (found[check.name].suspect and not found[check.name].worse)
    )


def wrong_ratio(results: Iterable[ProbeResult]) -> float | None:
    """Give the share of wrong answers; None where nothing could be checked."""
    known = [each for each in results if each.state is not ProbeState.UNCHECKED]
    wrong = sum(sum(each.wrong.values()) for each in known)
    right = sum(sum(each.right.values()) for each in known)
    return wrong / (wrong + right) if wrong + right else None


def reason(found: Sequence[Compared]) -> str:
    """Say in a sentence or two what was seen of checks that are known."""
    worse = [each for each in found if each.worse]
    wrong = [each for each in found if any(map(_breaks, (*each.base, *each.head)))]
    if worse:
        return (
            f"{', '.join(each.check for each in worse).capitalize()} of head: wrong with two"
            f" replicas in each of {len(worse[0].head)} tries. {_of_base(worse[0])}"
        )
    return _whose(wrong[0]) if wrong else "What is written through one replica is known to both."


def examples(evidence: Evidence, worker: str) -> tuple[str, ...]:
    """Give the request that showed it, of each check that was wrong."""
    found = []
    for each in compared(evidence, worker):
        wrong = [result for result in (*each.head, *each.base) if _breaks(result)]
        found += [f"{worker} {each.check}: {result.detail}" for result in wrong[:1]]
    return tuple(found)


def _of_base(found: Compared) -> str:
    known = any(each.state is ProbeState.OK for each in found.base)
    return "Base is right." if known else "Base could not be checked."


def _whose(found: Compared) -> str:
    base, head = (any(map(_breaks, side)) for side in (found.base, found.head))
    if base and head:
        return "Both versions give wrong answers with two replicas, so this is no change."
    if base:
        return "Base gives wrong answers with two replicas, and head does not."
    times = sum(map(_breaks, found.head))
    return f"Head gave wrong answers in {times} of {len(found.head)} tries, which may be luck."


def _breaks(result: ProbeResult) -> bool:
    return result.state is ProbeState.BREAKS
