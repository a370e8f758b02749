"""Measures scaling blocks and checks consistency, through the proxy of a gate's stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random

from loadtests.analysis import core_speed
from loadtests.analysis.consistency import declared
from loadtests.analysis.consistency.conversation import common_headers, conversation_of
from loadtests.analysis.consistency.judgement import Asked
from loadtests.gate.analysis import consistency_guard, figures
from loadtests.gate.measurement.generator_pool import TIMEOUT_S, GeneratorPool, Key
from loadtests.gate.model.evidence import ScalingBlock, ScalingWindow, SideProbe, WorkerLoad
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.plan import BlockTurn, block_members, block_order, lane_of, settle_s
from loadtests.gate.stack import GateStack, starts_of
from loadtests.gate.tested.serving import NOTHING_SEEN, Serving
from loadtests.measurement import readiness
from loadtests.measurement.check_trial import CheckedLoad
from loadtests.measurement.consistency.declared import Prober
from loadtests.measurement.consistency.undeclared import (
    LIMIT_S,
    Means,
    Subject,
    Undeclared,
    means_of,
)
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.model.consistency import Check, ProbeRecord, ProbeResult
from loadtests.model.generator_records import Edge, Load
from loadtests.model.plan import Upstream
from loadtests.model.stack import Replica
from loadtests.model.tested.workload import Workload
from loadtests.model.vocabulary import Role
from loadtests.tools import proc

NO_START = "A gate starts no further server; a run checks what a start does to what was written."

FIRST_PORT = 9001
MOST_BLOCK_PORTS = 60
"""Blocks with ports of their own; later blocks reuse them. A multiple of any number of lanes."""


@dataclass(kw_only=True)
class _Lane:
    """One block during its measurement."""

    number: int
    key: Key
    """The generator of both versions, since they take turns."""
    core: int
    members: tuple[int, int]
    order: tuple[BlockTurn, ...]
    windows: list[ScalingWindow] = field(default_factory=list)


class BlockRunner:
    """One and two replicas of each side behind the proxy of one worker model's stack."""

    def __init__(
        self,
        stack: GateStack,
        plan: GatePlan,
        worker: str,
        generators: GeneratorPool,
        serving: Serving = NOTHING_SEEN,
    ) -> None:
        self._serving = serving
        self._checked: CheckedLoad | None = None
        self._stack = stack
        self._plan = plan
        self._worker = worker
        self._generators = generators
        self._ports: dict[tuple[SideName, tuple[int, ...]], int] = {}
        self._written: dict[tuple[SideName, str], ProbeRecord] = {}
        self._ring = 0

    def prepare(self) -> None:
        """Configure the proxy for one and two of the present starts, in the first call only."""
        if self._ports:
            return
        self._ring = len(starts_of(self._stack, SideName.BASE))
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
            [
                Upstream(port=port, worker=side, members=members, idle=self._serving.idle.get(side))
                for (side, members), port in self._ports.items()
            ]
        )
        url = self._base_url(FIRST_PORT) + self._plan.health
        readiness.wait_for_proxy(
            self._generators.agent, url, lambda: self._stack.log_of(Role.PROXY)
        )

    def _base_url(self, port: int) -> str:
        return f"http://{self._stack.proxy_host}:{port}"

    def _starts(self, side: SideName, members: Sequence[int]) -> list[Replica]:
        starts = starts_of(self._stack, side)
        return [starts[number - 1] for number in members]

    # -- one and two replicas in sequence -------------------------------------------------------

    @contextmanager
    def metronome(self) -> Iterator[Metronome]:
        """Run the CPU speed probe on the replicas' cores; it uses a tenth of them."""
        with self._stack.start_metronome() as child:
            yield Metronome(child)

    def blocks(
        self, numbers: Sequence[int], load: WorkerLoad, metronome: Metronome
    ) -> tuple[ScalingBlock, ...]:
        """Return measured blocks: one and two replicas of each version, in sequence.

        Each is in a lane of its own, and all are loaded in the same windows.
        """
        at_s, began_s = proc.now_s(), proc.monotonic_s()
        lanes = [self._lane(number) for number in numbers]
        self._stack.take_turns(
            [self._starts(side, lane.members) for lane in lanes for side in SideName]
        )
        for turns in zip(*(lane.order for lane in lanes), strict=True):
            self._windows(list(zip(lanes, turns, strict=True)), load, metronome)
        wall_s = (proc.monotonic_s() - began_s) / len(lanes)
        return tuple(
            ScalingBlock(
                worker=self._worker,
                number=lane.number,
                at_s=round(at_s, 3),
                wall_s=round(wall_s, 3),
                windows=tuple(lane.windows),
            )
            for lane in lanes
        )

    def _lane(self, number: int) -> _Lane:
        lane = lane_of(self._plan, number)
        return _Lane(
            number=number,
            key=(lane, SideName.BASE),
            core=self._plan.cores[lane],
            members=block_members(self._plan, (number - 1) % MOST_BLOCK_PORTS + 1, self._ring),
            order=block_order(self._plan, self._worker, number),
        )

    def _windows(
        self, turns: Sequence[tuple[_Lane, BlockTurn]], load: WorkerLoad, metronome: Metronome
    ) -> None:
        """Run one window on all lanes at once, and add its figures to each lane."""
        loads = [(lane.key, self._load_of(lane, turn, load)) for lane, turn in turns]
        longest_s = max(each.settle_s for _, each in loads)  # all windows are to begin together
        loads = [(key, replace(each, settle_s=longest_s)) for key, each in loads]
        all_done, opened, closed = self._generators.open(loads, metronome)
        foreign_ratio, steal_ratio = figures.taken_by_others(opened, closed)
        proxy = figures.cpus_of(opened, closed, Role.PROXY)
        for (lane, (side, replicas)), done in zip(turns, all_done, strict=True):
            used = {start.name for start in self._starts(side, lane.members[:replicas])}
            speed = core_speed.between(_on(opened, lane.core).pulse, _on(closed, lane.core).pulse)
            lane.windows.append(
                ScalingWindow(
                    side=side,
                    replicas=replicas,
                    figures=figures.figures(done, opened, closed, used),
                    generator_ratio=figures.busy_ratio(done),
                    lag_ms=round(done.finished.lag_p99_ms, 2),
                    proxy_ratio=proxy,
                    core_speed=None if speed is None else figures.short(speed.both),
                    foreign_ratio=foreign_ratio,
                    steal_ratio=steal_ratio,
                )
            )

    def _load_of(self, lane: _Lane, turn: BlockTurn, load: WorkerLoad) -> Load:
        timing, (side, replicas) = self._plan.timing, turn
        return Load(
            id=f"b{lane.number:03d}-{side}-{replicas}",
            base_url=self._base_url(self._ports[(side, lane.members[:replicas])]),
            path=self._plan.path,
            users=load.users * replicas,
            settle_s=settle_s(self._plan, load, timing.settle_s, what=turn, number=lane.number),
            window_s=timing.scaling_s,
            drain_limit_s=timing.drain_limit_s,
            timeout_s=TIMEOUT_S,
        )

    # -- consistency ----------------------------------------------------------------------------

    def probe(self, checks: Sequence[Check]) -> tuple[SideProbe, ...]:
        """Return one try of each check on two replicas of each version.

        A further try only reads where a second write would hide what the first one showed. So it
        confirms what that one write left, and is no independent try.
        """
        members = block_members(self._plan, 1, self._ring)
        return tuple(self._probe(check, side, members) for check in checks for side in SideName)

    def ask_servers(
        self, checked: CheckedLoad | None = None, *, number: int = 1
    ) -> tuple[SideProbe, ...]:
        """Return whether two replicas of each version answer one client alike: one try.

        What the users of a locustfile ask is known from its check trial, in ``checked``. Both
        versions are asked the same, and each ``number`` of a try draws its own values.
        """
        self._checked = checked
        members = block_members(self._plan, 1, self._ring)
        return tuple(
            SideProbe(side=side, result=result)
            for side in SideName
            for result in self._ask_side(side, members, number)
        )

    def _ask_side(
        self, side: SideName, members: tuple[int, ...], number: int
    ) -> tuple[ProbeResult, ...]:
        plan, starts = self._plan, self._starts(side, members)
        host = f"{self._stack.proxy_host}:{self._ports[(side, members)]}"
        means = Means(files_written=means_of(self._stack).files_written, no_start=NO_START)
        workload = plan.asked or Workload(name=plan.workload, path=plan.path)
        seen = self._checked.requests if self._checked else ()
        if self._checked is not None and workload.locustfile is not None:
            workload = replace(workload, start=self._checked.start)
        subject = Subject(
            asked=Asked(worker=self._worker, workload=workload.name),
            talk=conversation_of(workload, seen),
            addresses={start.name: start.address for start in starts},
            processes=self._serving.processes_of(side),
            seed=f"{plan.seed}/{self._worker}/{number}",
            version=side,
        )
        undeclared = Undeclared(self._generators.agent, starts, host, means)
        results = undeclared.examine(subject, until_s=proc.monotonic_s() + LIMIT_S)
        return consistency_guard.folded(results)

    def _probe(self, check: Check, side: SideName, members: tuple[int, ...]) -> SideProbe:
        names = {start.address: start.name for start in self._starts(side, members)}
        asked, rng = self._plan.asked, Random(self._plan.seed)
        headers = common_headers([asked], rng) if asked is not None else {}
        prober = Prober(self._generators.agent, names, self._base_url, headers=headers)
        port, written = self._ports[(side, members)], self._written.get((side, check.name))
        if written is not None and not declared.tells_writes_apart(check):
            record = prober.read_again(written, port=port)
        else:
            replicas = tuple(names.values())
            record = prober.ask(check, worker=self._worker, replicas=replicas, port=port)
            if declared.refused(record) is None:
                self._written[(side, check.name)] = record
        return SideProbe(side=side, result=consistency_guard.judge(record))


def _on(edge: Edge, core: int) -> Edge:
    """Return an edge with only one core's count of the CPU speed probe."""
    pulse = {core: edge.pulse[core]} if edge.pulse else None
    return Edge(members=(), host=None, harness_cpu_s=0.0, pulse=pulse)
