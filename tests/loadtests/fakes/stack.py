"""Stacks in memory, and the backend that gives them; see ``environments.protocol``."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from loadtests.environments.counters import role_of
from loadtests.environments.protocol import Say
from loadtests.model.plan import Plan, TrialSpec, Upstream
from loadtests.model.stack import HostReading, LogLines, Reading, Replica, ReplicaState
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.vocabulary import Role
from loadtests.tools.proc import Child
from tests.loadtests.builders import STARTED_AT_S
from tests.loadtests.fakes.child import ScriptedChild
from tests.loadtests.fakes.generator import generate
from tests.loadtests.fakes.world import CORES, PIECES_RPS, STATUS_URL, World

PERIODS_PER_S = 10


class StackInMemory:
    """What the stacks of a run and of a gate have in common: replicas in a world."""

    notes: tuple[str, ...] = ()
    proxy_host = "proxy"
    status_url = STATUS_URL
    host_cores = ()

    def __init__(self, world: World, *, with_store: bool = False) -> None:
        self.world = world
        self._with_store = with_store

    @property
    def replicas(self) -> tuple[Replica, ...]:
        return tuple(self.world.replicas.values())

    def start_generator(self) -> Child:
        return ScriptedChild(lambda line: generate(self.world, json.loads(line)))

    def start_metronome(self) -> Child:
        return ScriptedChild(lambda _: _beat(self.world))

    def activate(self, spec: TrialSpec) -> None:
        pass

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        self.world.upstreams = {upstream.port: upstream for upstream in upstreams}

    def end_proxy_worker(self, pid: int) -> None:
        assert pid == self.world.proxy_worker
        self.world.proxy_worker += 1

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        return tuple(self._reading(member) for member in members if self._is_there(member))

    def _is_there(self, member: str) -> bool:
        return member != Role.STORE or self._with_store

    def _reading(self, member: str) -> Reading:
        cpu_s = self.world.cpu_s.get(member, 0.0)
        periods = round(cpu_s / 0.098 * PERIODS_PER_S)
        replica = role_of(member) is Role.REPLICA
        return Reading(
            member=member,
            role=role_of(member),
            at_s=self.world.now_s,
            cpu_s=cpu_s,
            periods=periods if replica else None,
            throttled_periods=round(periods * self.world.throttled_ratio) if replica else None,
            memory_bytes=60 * 2**20,
        )

    def read_host(self) -> HostReading | None:
        busy_s = sum(self.world.cpu_s.values()) + self.world.foreign_s
        return HostReading(
            at_s=self.world.now_s,
            busy_s=busy_s,
            steal_s=0.0,
            idle_s=CORES * (self.world.now_s - STARTED_AT_S) - busy_s,
            cores=CORES,
        )

    def identities(self) -> Mapping[str, str]:
        return {replica.name: replica.identity for replica in self.replicas}

    def log_of(self, member: str) -> str:
        return f"the log of {member}"

    def log_lines(self, member: str) -> LogLines:
        return LogLines(lines=self.log_of(member).splitlines())

    def state_of(self, member: str) -> ReplicaState:
        return self.world.states.get(member, ReplicaState())

    def first_log(self, member: str) -> str:
        return self.world.first_log(self.world.replicas[member].worker)

    def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
        return self.world.processes(self.world.replicas[member].worker)

    def run_module(self, module: str, text: str) -> str:
        return self.world.run_module(module, text)


class FakeStack(StackInMemory):
    """A stack of a plan's replicas."""

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, with_store=plan.with_store)
        world.replicas = {
            f"{worker.name}-{number}": Replica(
                name=f"{worker.name}-{number}",
                worker=worker.name,
                number=number,
                address=f"10.0.{index}.{number}:8000",
                identity=f"container {worker.name}-{number}",
            )
            for index, worker in enumerate(plan.workers)
            for number in range(1, plan.replica_counts[-1] + 1)
        }


class FakeBackend:
    """A backend whose stacks are in memory; ``world.open`` counts those that are up."""

    name = "fake"

    def __init__(self, world: World) -> None:
        self._world = world

    @contextmanager
    def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[FakeStack]:
        assert folder.is_dir()
        self._world.open += 1
        self._world.replica_cpus = plan.budget.replica_cpus or 0.1
        try:
            yield FakeStack(self._world, plan)
        finally:
            say("Taking the stack down")
            self._world.open -= 1


def _beat(world: World) -> Iterator[str]:
    elapsed_s = world.now_s - STARTED_AT_S
    counts = [PIECES_RPS * elapsed_s - world.lost_pieces, elapsed_s / 2, elapsed_s / 2]
    yield json.dumps({"cores": {str(core): counts for core in range(CORES)}})
