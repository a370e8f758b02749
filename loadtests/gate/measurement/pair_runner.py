"""Loads a gate's starts in pairs: one of each version, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from loadtests.analysis.shared.statuses import FIRST_ERROR_STATUS
from loadtests.gate.analysis import figures
from loadtests.gate.measurement.calibration import Calibrator
from loadtests.gate.measurement.generator_pool import TIMEOUT_S, GeneratorPool, Key
from loadtests.gate.model.evidence import PairWindow, StartPair, WorkerLoad
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import Mode, SideName
from loadtests.gate.plan import WindowSpec, lane_of, pair_windows, settle_s, twin_s
from loadtests.gate.stack import GateStack, starts_of
from loadtests.gate.tested import refusals
from loadtests.measurement import readiness
from loadtests.measurement.check_trial import CheckedLoad
from loadtests.measurement.server_counters import finished_requests
from loadtests.model.errors import EnvironmentFailure, UnusableLoad
from loadtests.model.generator_records import Load, LoadDone
from loadtests.model.stack import Replica
from loadtests.model.tested.variables import path_without_secrets
from loadtests.model.trial import RequestCount
from loadtests.tools import proc

LAGGARD_LIMIT_S = 30.0
"""Seconds that a start may need after the first one of its version is ready: all start at once,
with equal CPU. One that came up before the others does not count as the first."""

ENDED_EVERY_S = 2.0
"""Seconds between checks whether an awaited start has ended."""

REHEARSAL_S = 0.2
"""Length of each part of a load that only lets users start."""

REHEARSED_USERS = 32
"""At 60 % of the capacity of a few slots, more requests than this are hardly ever in flight."""

MAX_IN_FLIGHT = 512


@dataclass(kw_only=True)
class _Lane:
    """One pair during its measurement."""

    number: int
    lane: int
    core: int
    specs: tuple[WindowSpec, ...]
    starts: dict[SideName, Replica]
    load: WorkerLoad
    windows: list[PairWindow] = field(default_factory=list)
    sent: int = 0
    failed: int = 0
    """Requests to the start of base in all windows; those of them that failed."""
    rehearsed: dict[SideName, LoadDone] = field(default_factory=dict)
    """The loads in which users started at these starts, before the first window."""

    def requests_of_base(
        self, before: Mapping[str, int], after: Mapping[str, int]
    ) -> RequestCount | None:
        """Return base's own count between two readings beside what was sent to it."""
        name = self.starts[SideName.BASE].name
        if name not in before or name not in after:
            return None
        counted = after[name] - before[name]
        return RequestCount(sent=self.sent, counted=counted, failed=self.failed)


class PairRunner:
    """Measures pairs of one worker model's starts."""

    def __init__(
        self, stack: GateStack, plan: GatePlan, worker: str, generators: GeneratorPool
    ) -> None:
        self._stack = stack
        self._plan = plan
        self._worker = worker
        self._generators = generators
        self._ready: set[str] = set()
        self._rehearsed: set[str] = set()
        self._starts_count = True
        self.identities: dict[str, str] = {}
        """The identity of each start when it first answered; later looks bring up more starts."""
        self.checked: CheckedLoad | None = None
        """What the check trial of the user's own load showed on base."""

    def wait_ready(self) -> None:
        """Wait until every start answers, then apply the CPU budgets."""
        fresh = [start for start in self._stack.replicas if start.name not in self._ready]
        readiness.wait_ready(
            self._generators.agent,
            fresh,
            path=self._plan.health,
            ended=lambda _: self._stack.ended(),
            not_ready=self._not_ready,
            limit_s=self._plan.start_limit_s,
            laggard_limit_s=max(LAGGARD_LIMIT_S, self._plan.start_limit_s / 3),
            ended_every_s=ENDED_EVERY_S,
        )
        self._ready.update(start.name for start in fresh)
        now = self._stack.identities()
        names = [start.name for start in fresh if start.name in now]
        self.identities.update((name, now[name]) for name in names)
        self._stack.hold()

    def _not_ready(self, waiting: Sequence[Replica], after_s: float) -> str:
        start = waiting[0]
        log = self._stack.log_of(start.name)
        others = f" (and {len(waiting) - 1} more starts)" if len(waiting) > 1 else ""
        return (
            f"{start.name}{others} did not answer at {start.address} in {after_s:.0f} s. Does"
            f" {start.worker} listen on that port, on all addresses? If it needs longer to start,"
            f" raise --start-limit (now {self._plan.start_limit_s:g} s).{refusals.told(log)}"
            f" The end of its log:\n{log}"
        )

    def check_load(self) -> None:
        """Raise unless base answers what is asked: each request of the user's load, or the path."""
        start = starts_of(self._stack, SideName.BASE)[0]
        self.checked = self._generators.check(f"http://{start.address}")
        if self.checked is not None:
            return
        url = f"http://{start.address}{self._plan.path}"
        (answer,) = self._generators.agent.fetch([url], timeout_s=TIMEOUT_S)
        if answer.status is None or answer.status >= FIRST_ERROR_STATUS:
            raise EnvironmentFailure(
                f"base answers {path_without_secrets(self._plan.path)} with"
                f" {answer.status or answer.error}, so there is no baseline. Name another version"
                " (--base) or path (--workload /…)."
            )

    def calibrate(self, slots: int | None) -> WorkerLoad:
        """Return how many users saturate one start of base, and the open loop's first rate.

        ``slots`` is how many requests a start serves at once; None where that is not known.
        """
        start = starts_of(self._stack, SideName.BASE)[0]
        step = self.checked.users_step if self.checked else 1
        return Calibrator(self._plan, self._worker, self._generators, start).load(slots, step=step)

    # -- side by side -------------------------------------------------------------------------

    def pairs(
        self, numbers: Sequence[int], load: WorkerLoad, *, before: int
    ) -> tuple[StartPair, ...]:
        """Return one measured pair of starts per lane, all in the same windows.

        ``numbers`` are the pairs' numbers in the evidence. ``before`` is the number of pairs from
        earlier sessions, whose starts are gone.
        """
        at_s, began_s = proc.now_s(), proc.monotonic_s()
        lanes = [self._lane(number, load, before) for number in numbers]
        self._rehearse(lanes)
        counts_before = self._counts(lanes)
        for position in range(len(lanes[0].specs)):
            self._pair_windows(lanes, position)
        counts_after = self._counts(lanes)
        wall_s = (proc.monotonic_s() - began_s) / len(lanes)
        return tuple(
            StartPair(
                worker=self._worker,
                number=lane.number,
                base_start=lane.starts[SideName.BASE].identity,
                head_start=lane.starts[SideName.HEAD].identity,
                at_s=round(at_s, 3),
                wall_s=round(wall_s, 3),
                windows=tuple(lane.windows),
                base_requests=lane.requests_of_base(counts_before, counts_after),
            )
            for lane in lanes
        )

    def _counts(self, lanes: Sequence[_Lane]) -> dict[str, int]:
        """Return the starts' own counts, by name; both versions are asked, so that both work."""
        if not self._starts_count:
            return {}
        starts = [start for lane in lanes for start in lane.starts.values()]
        counts = finished_requests(self._generators.agent, starts)
        self._starts_count = bool(counts)
        return counts

    def _lane(self, number: int, load: WorkerLoad, before: int) -> _Lane:
        fresh = number - before
        lane = lane_of(self._plan, fresh)
        return _Lane(
            number=number,
            lane=lane,
            core=self._plan.cores[lane],
            specs=pair_windows(self._plan, self._worker, number),
            starts={side: starts_of(self._stack, side)[fresh - 1] for side in SideName},
            load=load,
        )

    def _rehearse(self, lanes: Sequence[_Lane]) -> None:
        """Let the users of a user's own load start at starts that have had none."""
        if not self._generators.has_users:
            return
        loads: list[tuple[Key, Load]] = [
            ((lane.lane, side), self._rehearsal(lane, side))
            for lane in lanes
            for side, start in lane.starts.items()
            if start.name not in self._rehearsed
        ]
        self._rehearsed.update(start.name for lane in lanes for start in lane.starts.values())
        done = self._generators.rehearse(loads)
        by_key = {key: finished for (key, _), finished in zip(loads, done, strict=True)}
        for lane in lanes:
            keys = {side: (lane.lane, side) for side in SideName}
            lane.rehearsed = {side: by_key[key] for side, key in keys.items() if key in by_key}

    def begin_again(self, number: int, load: WorkerLoad) -> tuple[str | None, str | None]:
        """Let users begin at one start of base and one of head; return why they did not, or None.

        Each ``number`` has other starts, as far as there are enough.
        """
        starts = len(starts_of(self._stack, SideName.BASE))
        lane = self._lane(1 + (number - 1) % starts, load, before=0)
        base, head = (self._why_not_begun(lane, side) for side in SideName)
        return base, head

    def _why_not_begun(self, lane: _Lane, side: SideName) -> str | None:
        try:
            self._generators.rehearse([((lane.lane, side), self._rehearsal(lane, side))])
        except UnusableLoad as error:
            return " ".join(str(error).split())
        return None

    def _rehearsal(self, lane: _Lane, side: SideName) -> Load:
        """Return a load whose users are as many as the open loop usually needs at once.

        One that starts in an open window has to log in first, for example, which others wait for.
        """
        return Load(
            id=f"r{lane.number:03d}-{side}",
            base_url=f"http://{lane.starts[side].address}",
            path=self._plan.path,
            users=max(lane.load.users, REHEARSED_USERS),
            settle_s=REHEARSAL_S,
            window_s=REHEARSAL_S,
            drain_limit_s=self._plan.timing.drain_limit_s,
            timeout_s=TIMEOUT_S,
        )

    def _pair_windows(self, lanes: Sequence[_Lane], position: int) -> None:
        """Run one window on all lanes at once, and add its figures to each lane."""
        loads: list[tuple[Key, Load]] = []
        for lane in lanes:
            # The first version has the core alone for a millisecond, so they take turns.
            sides = tuple(SideName) if lane.specs[position].base_first else tuple(SideName)[::-1]
            loads += [((lane.lane, side), self._load_of(lane, side, position)) for side in sides]
        done, opened, closed = self._generators.open(loads)
        by_key = {key: finished for (key, _), finished in zip(loads, done, strict=True)}
        foreign_ratio, steal_ratio = figures.taken_by_others(opened, closed)
        for lane in lanes:
            sides_done = {side: by_key[(lane.lane, side)] for side in SideName}
            lane.sent += sides_done[SideName.BASE].finished.sent
            lane.failed += figures.failed_of(sides_done[SideName.BASE])
            mode = lane.specs[position].mode
            of_sides = {
                side: figures.figures(done, opened, closed, (lane.starts[side].name,), mode=mode)
                for side, done in sides_done.items()
            }
            if not position:
                for side, rehearsal in lane.rehearsed.items():
                    of_sides[side] = figures.with_starts(of_sides[side], rehearsal)
            lane.windows.append(
                PairWindow(
                    mode=mode,
                    core=lane.core,
                    rate_rps=lane.load.rate_rps if mode is Mode.OPEN else None,
                    base=of_sides[SideName.BASE],
                    head=of_sides[SideName.HEAD],
                    generator_ratio=max(map(figures.busy_ratio, sides_done.values())),
                    lag_ms=round(max(load.finished.lag_p99_ms for load in sides_done.values()), 2),
                    foreign_ratio=foreign_ratio,
                    steal_ratio=steal_ratio,
                )
            )

    def _load_of(self, lane: _Lane, side: SideName, position: int) -> Load:
        timing, spec = self._plan.timing, lane.specs[position]
        planned_s = timing.settle_s if position else timing.first_settle_s
        load = Load(
            id=f"p{lane.number:03d}-{position}-{side}",
            base_url=f"http://{lane.starts[side].address}",
            path=self._plan.path,
            settle_s=planned_s,
            window_s=timing.open_s,
            drain_limit_s=timing.drain_limit_s,
            timeout_s=TIMEOUT_S,
        )
        if spec.mode is Mode.CLOSED:
            return replace(
                load,
                settle_s=settle_s(
                    self._plan, lane.load, planned_s, what=spec.mode, number=lane.number
                ),
                window_s=timing.closed_s,
                users=lane.load.users,
            )
        return replace(
            load,
            mode="open",
            rate_rps=lane.load.rate_rps,
            arrivals="poisson",
            max_in_flight=MAX_IN_FLIGHT,
            seed=spec.seed,
            shift_s=twin_s(spec, side, lane.load.rate_rps),
        )
