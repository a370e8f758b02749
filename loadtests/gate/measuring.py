"""Puts loads on a gate's stack: pairs of starts side by side, and scaling blocks in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from loadtests.agent import Agent
from loadtests.calibration import MOST_USERS
from loadtests.environment.awake import Awake
from loadtests.errors import EnvironmentFailure
from loadtests.gate import figures
from loadtests.gate.model import (
    GatePlan,
    Mode,
    PairWindow,
    ScalingBlock,
    ScalingWindow,
    SideName,
    StartPair,
    WorkerLoad,
)
from loadtests.gate.plan import (
    OPEN_RATIO,
    WindowSpec,
    block_members,
    block_order,
    lane_of,
    pair_windows,
    settle_s,
)
from loadtests.gate.stack import METRONOME, PROXY, GateStack, Port, Start
from loadtests.metronome import Metronome
from loadtests.options import WORKERS
from loadtests.raw import Edge, Load, LoadDone
from loadtests.rules.load import GAIN_LIMIT_RATIO
from loadtests.samples import core_speed_of, host_use
from loadtests.tools import proc

READY_LIMIT_S = 90.0
LAGGARD_LIMIT_S = 30.0
"""How much longer than the first a start may take: all start at once, with the same means."""

ENDED_EVERY_S = 2.0
"""How often it is looked whether a start has ended that is waited for."""

PROXY_LIMIT_S = 20.0
FIRST_PORT = 9001
MOST_BLOCK_PORTS = 60
"""Blocks for which the proxy has ports; then again. A multiple of the lanes of any machine."""

CALIBRATION_S = 1.0
SERVER_ERROR = 500
CLIENT_ERROR = 400
MAX_IN_FLIGHT = 512
TIMEOUT_S = 30.0


Key = tuple[int, SideName]
"""A generator: the lane that it loads, and the side."""

Keep = Callable[[str, bytes], None]
"""Told the name of a load and its samples, the bytes of an ``.npz``."""

ALONE: Key = (0, SideName.BASE)
"""The generator that makes the loads which stand alone."""


@dataclass(kw_only=True)
class _Lane:
    """One pair while it is measured."""

    number: int
    lane: int
    core: int
    specs: tuple[WindowSpec, ...]
    starts: dict[SideName, Start]
    load: WorkerLoad
    windows: list[PairWindow] = field(default_factory=list)


class Measuring:
    """One worker model's stack with its two generators, one for each side."""

    def __init__(
        self,
        stack: GateStack,
        plan: GatePlan,
        worker: str,
        agents: Sequence[Agent],
        awake: Awake,
        keep: Keep | None = None,
    ) -> None:
        """Take two generators for each lane of the plan; ``keep`` is given every load's samples."""
        self._stack = stack
        self._plan = plan
        self._worker = worker
        lanes = [(lane, side) for lane in range(len(plan.cores)) for side in SideName]
        self._agents = dict(zip(lanes, agents, strict=True))
        self._ready: set[str] = set()
        self._ports: dict[tuple[SideName, tuple[int, ...]], int] = {}
        self._ring = 0
        self._awake = awake
        self._keep = keep

    @property
    def _agent(self) -> Agent:
        """The generator for all that only one is needed for."""
        return self._agents[ALONE]

    def wait_ready(self, path: str = "/healthz") -> None:
        """Wait until every start answers, then hold them to their budget."""
        waiting = {
            start.member: start
            for side in SideName
            for start in self._stack.starts(side)
            if start.member not in self._ready
        }
        self._ready.update(waiting)
        began_s = looked_s = proc.monotonic_s()
        deadline_s = began_s + READY_LIMIT_S

        def all_answer() -> bool:
            nonlocal looked_s, deadline_s
            urls = [f"http://{start.address}{path}" for start in waiting.values()]
            answers = self._agent.fetch(urls, timeout_s=READY_LIMIT_S / 6)
            for name, answer in zip(tuple(waiting), answers, strict=True):
                if answer.status is not None and answer.status < SERVER_ERROR:
                    del waiting[name]
                    deadline_s = min(deadline_s, proc.monotonic_s() + LAGGARD_LIMIT_S)
            if waiting and proc.monotonic_s() > deadline_s:
                raise EnvironmentFailure(self._not_ready(waiting, began_s))
            if waiting and proc.monotonic_s() - looked_s > ENDED_EVERY_S:
                looked_s = proc.monotonic_s()
                if ended := self._stack.ended():
                    raise EnvironmentFailure(ended)
            return not waiting

        proc.wait_until(
            all_answer,
            limit_s=2 * READY_LIMIT_S,
            failure=lambda: self._not_ready(waiting, began_s),
        )
        self._stack.hold()

    def _not_ready(self, waiting: dict[str, Start], began_s: float) -> str:
        start = next(iter(waiting.values()))
        others = f" (and {len(waiting) - 1} more starts)" if len(waiting) > 1 else ""
        return (
            f"{start.member}{others} did not answer at {start.address} in"
            f" {proc.monotonic_s() - began_s:.0f} s. Does"
            f" {start.side} listen on that port, on all addresses? The end of its log:\n"
            f"{self._stack.log_of(start.member)}"
        )

    def check_path(self) -> None:
        """Raise where base does not even answer what is to be measured."""
        start = self._stack.starts(SideName.BASE)[0]
        url = f"http://{start.address}{self._plan.path}"
        (answer,) = self._agent.fetch([url], timeout_s=TIMEOUT_S)
        if answer.status is None or answer.status >= CLIENT_ERROR:
            raise EnvironmentFailure(
                f"base answers {self._plan.path} with {answer.status or answer.error}, so there is"
                " nothing to compare with. Name another version (--base) or path (--workload /…)."
            )

    # -- how much load ------------------------------------------------------------------------

    def calibrate(self) -> WorkerLoad:
        """Find how many users keep one start of base busy, and what it can do then."""
        start = self._stack.starts(SideName.BASE)[0]
        self._stack.pin(start, self._plan.cores[:1])
        users = max(2, WORKERS[self._worker].slots or 2)
        rates = [(users, self._rate(start, users))]
        while 2 * users <= MOST_USERS:
            users *= 2
            rates.append((users, self._rate(start, users)))
            if rates[-1][1] < rates[-2][1] * (1 + GAIN_LIMIT_RATIO):
                break
        best = max(rate for _, rate in rates)
        if not best:
            raise EnvironmentFailure("Not one request to base succeeded. Its log is in logs/.")
        gains = [after / before - 1 for (_, before), (_, after) in pairwise(rates) if before]
        return WorkerLoad(
            worker=self._worker,
            users=rates[-1][0],
            rate_rps=round(OPEN_RATIO * best, 1),
            gain_ratio=round(gains[-1], 4) if gains else None,
        )

    def _rate(self, start: Start, users: int) -> float:
        timing = self._plan.timing
        load = Load(
            id=f"calibrate-{users}",
            base_url=f"http://{start.address}",
            path=self._plan.path,
            users=users,
            settle_s=timing.settle_s,
            window_s=CALIBRATION_S,
            drain_limit_s=timing.drain_limit_s,
            timeout_s=TIMEOUT_S,
        )
        (done,), opened, closed = self._window([(ALONE, load)])
        return figures.figures(done, opened, closed, (start.member,)).throughput_rps

    # -- side by side -------------------------------------------------------------------------

    def pairs(
        self, numbers: Sequence[int], load: WorkerLoad, *, before: int
    ) -> tuple[StartPair, ...]:
        """Load as many pairs of starts as there are lanes, each over the same windows.

        ``numbers`` are the pairs' in the evidence, ``before`` how many of them earlier sessions
        measured, on starts that are no more.
        """
        at_s, began_s = proc.now_s(), proc.monotonic_s()
        lanes = [self._lane(number, load, before) for number in numbers]
        for lane in lanes:
            for start in lane.starts.values():
                self._stack.pin(start, (lane.core,))
        for position in range(len(lanes[0].specs)):
            self._pair_windows(lanes, position)
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
            )
            for lane in lanes
        )

    def _lane(self, number: int, load: WorkerLoad, before: int) -> _Lane:
        fresh = number - before
        lane = lane_of(self._plan, fresh)
        return _Lane(
            number=number,
            lane=lane,
            core=self._plan.cores[lane],
            specs=pair_windows(self._plan, self._worker, number),
            starts={side: self._stack.starts(side)[fresh - 1] for side in SideName},
            load=load,
        )

    def _pair_windows(self, lanes: Sequence[_Lane], position: int) -> None:
        """Put one window's loads on all lanes at once, and add what was seen to each."""
        loads: list[tuple[Key, Load]] = []
        for lane in lanes:
            # Who is told first has a millisecond more of the machine: taken in turns.
            sides = tuple(SideName) if lane.specs[position].base_first else tuple(SideName)[::-1]
            loads += [((lane.lane, side), self._load(lane, side, position)) for side in sides]
        done, opened, closed = self._window(loads)
        by_key = {key: each for (key, _), each in zip(loads, done, strict=True)}
        use = host_use(opened, closed)
        for lane in lanes:
            mine = {side: by_key[(lane.lane, side)] for side in SideName}
            base, head = (
                figures.figures(
                    mine[side],
                    opened,
                    closed,
                    (lane.starts[side].member,),
                    quantiles=lane.specs[position].mode is Mode.OPEN,
                )
                for side in SideName
            )
            lane.windows.append(
                PairWindow(
                    mode=lane.specs[position].mode,
                    core=lane.core,
                    base=base,
                    head=head,
                    generator_ratio=max(figures.busy_ratio(each) for each in mine.values()),
                    lag_ms=round(max(each.finished.lag_p99_ms for each in mine.values()), 2),
                    foreign_ratio=None if use is None else round(use.foreign_ratio, 4),
                    steal_ratio=None if use is None else round(use.steal_ratio, 4),
                )
            )

    def _load(self, lane: _Lane, side: SideName, position: int) -> Load:
        timing, spec = self._plan.timing, lane.specs[position]
        closed = spec.mode is Mode.CLOSED
        planned_s = timing.settle_s if position else timing.first_settle_s
        return Load(
            id=f"p{lane.number:03d}-{position}-{side}",
            base_url=f"http://{lane.starts[side].address}",
            path=self._plan.path,
            settle_s=(
                settle_s(self._plan, lane.load, planned_s, what=spec.mode, number=lane.number)
                if closed
                else planned_s
            ),
            window_s=timing.closed_s if closed else timing.open_s,
            drain_limit_s=timing.drain_limit_s,
            timeout_s=TIMEOUT_S,
            mode="closed" if closed else "open",
            users=lane.load.users if closed else None,
            rate_rps=None if closed else lane.load.rate_rps,
            arrivals=None if closed else "poisson",
            max_in_flight=None if closed else MAX_IN_FLIGHT,
            seed=None if closed else spec.seeds[side is SideName.HEAD],
        )

    # -- in turns -----------------------------------------------------------------------------

    def prepare_blocks(self) -> None:
        """Let the proxy serve one and two replicas of each side; once for each stack."""
        self._ring = len(self._stack.starts(SideName.BASE))
        groups = sorted(
            {
                (side, members)
                for number in range(1, MOST_BLOCK_PORTS + 1)
                for pair in [block_members(self._plan, number, self._ring)]
                for side in SideName
                for members in (pair[:1], pair)
            }
        )
        self._ports = {group: FIRST_PORT + offset for offset, group in enumerate(groups)}
        self._stack.configure_proxy(
            [Port(number=port, side=side, members=mem) for (side, mem), port in self._ports.items()]
        )
        url = f"http://{self._stack.proxy_host}:{FIRST_PORT}/healthz"
        proc.wait_until(
            lambda: self._agent.fetch([url])[0].status is not None,
            limit_s=PROXY_LIMIT_S,
            failure=lambda: (
                f"The proxy did not answer in {PROXY_LIMIT_S:g} s. The end of its log:\n"
                f"{self._stack.log_of(PROXY)}"
            ),
        )

    @contextmanager
    def metronome(self) -> Iterator[Metronome]:
        """Have the metronome run on the replicas' cores, which it takes a tenth of."""
        cores = ",".join(str(core) for core in self._plan.cores)
        with self._stack.speak(
            METRONOME, "python", "-m", "loadtests.generator.metronome", cores
        ) as child:
            yield Metronome(child)

    def block(self, number: int, load: WorkerLoad, metronome: Metronome) -> ScalingBlock:
        """Measure one and two replicas of each side, one after the other."""
        at_s, began_s = proc.now_s(), proc.monotonic_s()
        members = block_members(self._plan, (number - 1) % MOST_BLOCK_PORTS + 1, self._ring)
        core = self._plan.cores[lane_of(self._plan, number)]
        for side in SideName:
            for member in members:
                self._stack.pin(self._stack.starts(side)[member - 1], (core,))
        windows = tuple(
            self._scaling_window(number, side, members[:replicas], core, load, metronome)
            for side, replicas in block_order(self._plan, self._worker, number)
        )
        return ScalingBlock(
            worker=self._worker,
            number=number,
            at_s=round(at_s, 3),
            wall_s=round(proc.monotonic_s() - began_s, 3),
            windows=windows,
        )

    def _scaling_window(
        self,
        number: int,
        side: SideName,
        members: tuple[int, ...],
        core: int,
        load: WorkerLoad,
        metronome: Metronome,
    ) -> ScalingWindow:
        timing, replicas = self._plan.timing, len(members)
        port = self._ports[(side, members)]
        wanted = Load(
            id=f"b{number:03d}-{side}-{replicas}",
            base_url=f"http://{self._stack.proxy_host}:{port}",
            path=self._plan.path,
            users=load.users * replicas,
            settle_s=settle_s(
                self._plan, load, timing.settle_s, what=(side, replicas), number=number
            ),
            window_s=timing.scaling_s,
            drain_limit_s=timing.drain_limit_s,
            timeout_s=TIMEOUT_S,
        )
        (done,), opened, closed = self._window([(ALONE, wanted)], metronome)
        used = {self._stack.starts(side)[member - 1].member for member in members}
        use = host_use(opened, closed)
        speed = core_speed_of(_on(opened, core), _on(closed, core))
        proxy = figures.cpus_of(opened, closed, PROXY)
        return ScalingWindow(
            side=side,
            replicas=replicas,
            figures=figures.figures(done, opened, closed, used),
            generator_ratio=figures.busy_ratio(done),
            lag_ms=round(done.finished.lag_p99_ms, 2),
            proxy_ratio=proxy,
            core_speed=None if speed is None else float(f"{speed:.6g}"),
            foreign_ratio=None if use is None else round(use.foreign_ratio, 4),
            steal_ratio=None if use is None else round(use.steal_ratio, 4),
        )

    # -- one window ---------------------------------------------------------------------------

    def _window(
        self, loads: Sequence[tuple[Key, Load]], metronome: Metronome | None = None
    ) -> tuple[list[LoadDone], Edge, Edge]:
        """Put loads on at once, each by its generator; read the counters at the edges."""
        pairs = [(self._agents[key], load) for key, load in loads]
        for agent, load in pairs:
            agent.begin(load)
        for agent, load in pairs:
            agent.wait_opened(load)
        opened = self._edge(metronome)
        for agent, load in pairs:
            agent.wait_closed(load)
        closed = self._edge(metronome)
        done = [agent.collect(load) for agent, load in pairs]
        if self._keep is not None:
            for (_, load), each in zip(pairs, done, strict=True):
                self._keep(f"{self._worker}-{load.id}", each.samples)
        return done, opened, closed

    def _edge(self, metronome: Metronome | None) -> Edge:
        if metronome is not None:
            metronome.ask()
        return Edge(
            members=self._stack.read(self._stack.members()),
            host=self._stack.read_host(),
            harness_cpu_s=proc.own_cpu_s() + self._awake.cpu_s(),
            pulse=metronome.answer() if metronome is not None else None,
        )


def _on(edge: Edge, core: int) -> Edge:
    """Give an edge with the metronome's count of one core alone."""
    pulse = {core: edge.pulse[core]} if edge.pulse else None
    return Edge(members=(), host=None, harness_cpu_s=0.0, pulse=pulse)
