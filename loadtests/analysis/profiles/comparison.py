"""What grew per request from few replicas to many, and the line that tells most. PURE."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from loadtests.analysis.intervals import student_quantile
from loadtests.analysis.profiles import flames, statements, wording
from loadtests.analysis.profiles.shares import (
    COMPUTING,
    Mean,
    Requests,
    dominant,
    kind_ms,
    result_of,
    told_of,
)
from loadtests.model.plan import Cell
from loadtests.model.profiles.records import CellProfile, Waiting
from loadtests.model.profiles.results import (
    FlameNode,
    LineTime,
    ProfileFinding,
    ProfileResult,
    Profiles,
    Span,
)

LEAST_GROWTH_RATIO = 1.15
"""A request that takes less longer with more replicas did not grow: replicas differ by some %."""

LEAST_SHARE_RATIO = 0.5
"""A line is called certain only if most of a request's time, or of its growth, is there."""

LEAST_KIND_RATIO = 0.6
"""So much of a line's time, or of its growth, has one kind, if the kind is called certain."""

LEAST_SEEN_RATIO = 0.5
"""Without a limit of requests at once, so much of the response time is in the application, if what
requests wait for can be seen there."""

LEAST_LOOKS = 30
"""Fewer looks are not called certain, whatever their intervals say."""


def profiles_of(
    profiles: Sequence[CellProfile],
    measured_rps: Mapping[Cell, float] | None = None,
    cpu_ms: Mapping[Cell, float] | None = None,
) -> Profiles:
    """Return what all profile trials of a run say.

    ``measured_rps`` are the cells' throughputs in the measured rounds, and ``cpu_ms`` the CPU of a
    request where the replicas had enough of it.
    """
    rates, used = measured_rps or {}, cpu_ms or {}
    profiles = [replace(profile, cpu_ms=used.get(profile.cell)) for profile in profiles]
    series: dict[tuple[str, str], list[CellProfile]] = {}
    for profile in sorted(profiles, key=lambda profile: profile.cell):
        series.setdefault((profile.cell.worker, profile.cell.workload), []).append(profile)
    return Profiles(
        cells=tuple(result_of(profile, rates.get(profile.cell)) for profile in profiles),
        findings=tuple(found for group in series.values() for found in _findings(group)),
        flames=tuple(_flames(list(series.values()))),
    )


def _findings(series: Sequence[CellProfile]) -> Iterator[ProfileFinding]:
    """Yield the finding of each cell but the smallest, compared with that; the largest comes last.

    A series of one cell has its finding, too.
    """
    small, *larger = series
    for profile in larger:
        finding = finding_of((small, profile))
        if finding is not None:
            yield finding
    if not larger and (alone := finding_of((small,))) is not None:
        yield alone


def _flames(series: Sequence[Sequence[CellProfile]]) -> Iterator[tuple[Cell, FlameNode]]:
    for group in series:
        told = [profile for profile in group if not result_of(profile).unseen]
        small = told[0] if len(told) > 1 else None
        flame = flames.flame_of(told[-1], small) if told else None
        if flame is not None:
            yield told[-1].cell, flame


def finding_of(series: Sequence[CellProfile]) -> ProfileFinding | None:
    """Return the finding of one series, its cells in the order of replicas; None without one."""
    told = [profile for profile in series if result_of(profile).lines]
    if not told or told[-1] is not series[-1] or told[-1].note:
        return None  # of the largest cell nothing is told, or only what ran
    large = _Side.of(told[-1])
    small = _Side.of(told[0]) if len(told) > 1 else None
    grown = small is not None and _has_grown(small, large)
    line = _first(large, small if grown else None)
    if small is not None and grown:
        line = _as_grown(large, small, line)
    growth = _growth(large, small, line) if small is not None else None
    finding = ProfileFinding(
        worker=large.cell.worker,
        workload=large.cell.workload,
        replicas_from=small.cell.replicas if small else None,
        replicas_to=large.cell.replicas,
        line=line,
        application_ms=large.whole.ms,
        before_ms=small.at(line.place).ms if small else None,
        before_application_ms=small.whole.ms if small else None,
        growth_ms=growth,
        certain=_is_certain(large, small if grown else None, line),
        sentence="",
        store=statements.in_words(told[-1].store) if line.kind is Waiting.STORE else "",
    )
    return replace(finding, sentence=wording.sentence(finding))


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One cell of a comparison."""

    cell: Cell
    result: ProfileResult
    requests: Requests
    whole: Mean
    means: Mapping[Hashable, Mean]
    has_slots: bool

    @classmethod
    def of(cls, profile: CellProfile) -> _Side:
        requests = Requests(profile)
        whole = requests.means(lambda _: "all")["all"]
        return cls(
            cell=profile.cell,
            result=result_of(profile),
            requests=requests,
            whole=whole,
            means=requests.means(requests.place),
            has_slots=profile.has_slots,
        )

    @property
    def may_hide_waits(self) -> bool:
        """Whether requests spend time where none could be seen, though none queue for a slot."""
        seen, whole_ms = self.result.application_ms, self.result.mean_ms
        if self.has_slots or seen is None or whole_ms is None:
            return False
        return seen.estimate < LEAST_SEEN_RATIO * whole_ms

    def at(self, place: Hashable) -> Mean:
        """Return a line's time; 0 for one that was never seen."""
        return self.means.get(place, self._none)

    def at_doing(self, place: Hashable, kind: Waiting) -> Mean:
        """Return a line's time of one kind, as it was seen; 0 for one that was never seen."""
        kinds = COMPUTING if kind in COMPUTING else (kind,)

        def weigh(number: int) -> str | None:
            does = self.requests.stack(number).kind in kinds
            return "it" if does and self.requests.place(number) == place else None

        return self.requests.means(weigh).get("it", self._none)

    @property
    def _none(self) -> Mean:
        return Mean(ms=0.0, error_ms=0.0, degrees=self.whole.degrees)

    def kinds_at(self, place: Hashable) -> Mapping[Waiting, float]:
        """Return a line's time by kind; empty for one that was never seen."""
        return next((line.kinds for line in self.result.lines if line.place == place), {})


def difference(large: Mean, small: Mean) -> Span:
    """Return the difference of two means with its 95 % interval.

    The degrees of freedom are the smaller sample's: conservative against Welch (1947).
    """
    error = math.hypot(large.error_ms, small.error_ms)
    margin = student_quantile(min(large.degrees, small.degrees)) * error
    middle = large.ms - small.ms
    return Span(estimate=middle, low=middle - margin, high=middle + margin)


def _growth(large: _Side, small: _Side, line: LineTime) -> Span:
    return difference(large.at(line.place), small.at(line.place))


def _has_grown(small: _Side, large: _Side) -> bool:
    longer = large.whole.ms >= LEAST_GROWTH_RATIO * small.whole.ms
    return longer and difference(large.whole, small.whole).low > 0


def _first(large: _Side, small: _Side | None) -> LineTime:
    """Return the line that grew most, or without a smaller side the one with the most time."""
    if small is None:
        return large.result.lines[0]
    return max(
        large.result.lines,
        key=lambda line: (large.at(line.place).ms - small.at(line.place).ms, line.place),
    )


def _kinds_grown(large: _Side, small: _Side, line: LineTime) -> Mapping[Waiting, float]:
    """Return by how much each kind of time grew on a line, of those that were seen there."""
    before, now = small.kinds_at(line.place), large.kinds_at(line.place)
    return {kind: ms - before.get(kind, 0.0) for kind, ms in now.items() if ms}


def _as_grown(large: _Side, small: _Side, line: LineTime) -> LineTime:
    """Return a line that grew, with the kind that grew most: the rest of its time is no cause."""
    kind = dominant(_kinds_grown(large, small, line))
    callee, peer = told_of(large.requests)[line.place, kind]
    return replace(line, kind=kind, callee=callee, peer=peer)


def _is_certain(large: _Side, small: _Side | None, line: LineTime) -> bool:
    sides = [side for side in (large, small) if side is not None]
    if any(side.result.looks < LEAST_LOOKS for side in sides) or line.kind is Waiting.UNKNOWN:
        return False
    if any(side.may_hide_waits for side in sides):
        return False
    if not _is_kind_certain(large, small, line):
        return False
    others = [other for other in large.result.lines if other.place != line.place]
    if small is None:
        most = line.ms.low >= LEAST_SHARE_RATIO * large.whole.ms
        return most and all(line.ms.low > other.ms.estimate for other in others)
    low = _growth(large, small, line).low
    most = low >= LEAST_SHARE_RATIO * (large.whole.ms - small.whole.ms)
    return most and all(low > _growth(large, small, other).estimate for other in others)


def _is_kind_certain(large: _Side, small: _Side | None, line: LineTime) -> bool:
    """Return whether a line's time, or its growth, is mostly of its kind.

    What grew is the small difference of two large times, so its interval counts, too.
    """
    kinds = line.kinds if small is None else _kinds_grown(large, small, line)
    spent_ms, whole_ms = kind_ms(kinds, line.kind), math.fsum(kinds.values())
    if small is None:
        return spent_ms >= LEAST_KIND_RATIO * whole_ms
    seen = (side.at_doing(line.place, line.kind) for side in (large, small))
    growth = difference(*seen)
    low = spent_ms - (growth.estimate - growth.low)
    return spent_ms >= LEAST_KIND_RATIO * whole_ms and low >= LEAST_SHARE_RATIO * whole_ms
