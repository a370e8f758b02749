"""The stack of a gate: many starts of base and head, two generators, and a proxy."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from loadtests.environments.compose import images
from loadtests.environments.compose.backend import (
    PROXY_CONFIG,
    PROXY_FOLDER,
    STATUS_PORT,
    UP_LIMIT_S,
    save_logs,
)
from loadtests.environments.compose.projects import project_name, remove_dead, take_down
from loadtests.environments.counters import Counters, EngineCounters, KernelCounters, member_name
from loadtests.environments.protocol import Say
from loadtests.environments.wait_idle import wait_until_quiet
from loadtests.gate.model import GatePlan, Side, SideName, side_of
from loadtests.gate.versions import Sides
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.stack import HostReading, Reading
from loadtests.tools import docker, host, nginx, proc, signals
from loadtests.tools.proc import Child

GENERATOR = "generator"
METRONOME = "metronome"
PROXY = "proxy"

LANES = "abcd"
"""Names of the lanes in gate.yaml: the starts of each have something that they share."""

LOG_LINES = 20
"""How much of a log a message shows."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """One start of one side: ``member`` is its name in the stack, ``identity`` what it is."""

    side: SideName
    number: int
    member: str
    address: str
    identity: str


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the proxy and the starts (numbers from 1) of one side behind it."""

    number: int
    side: SideName
    members: tuple[int, ...]


class GateStack(Protocol):
    """What a gate measures on; starts are numbered from 1 on each side."""

    @property
    def proxy_host(self) -> str:
        """The address by which a generator reaches the proxy."""

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores that it uses, where they are this machine's; else none."""

    def grow(self, count: int) -> None:
        """Have ``count`` starts of each side or a few more, as many in each lane.

        Those that there are stay as they are.
        """

    def hold(self) -> None:
        """Hold the starts that answer to their budget, once they are quiet."""

    def starts(self, side: SideName) -> tuple[Start, ...]:
        """Give a side's starts, in the order in which they came, the lanes in turn."""

    def pin(self, start: Start, cores: Sequence[int]) -> None:
        """Bind a start to cores."""

    def speak(self, member: str, *command: str) -> Child:
        """Start a program in the generator's or the metronome's container."""

    def configure_proxy(self, ports: Sequence[Port]) -> None:
        """Let the proxy listen on each port and pass to exactly its members; once a stack."""

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Read the counters of these members now."""

    def read_host(self) -> HostReading | None:
        """Read what the machine's cores did, where they can be read."""

    def members(self) -> tuple[str, ...]:
        """Give the names of all members, services included."""

    def identities(self) -> Mapping[str, str]:
        """Give what each member is now."""

    def ended(self) -> str | None:
        """Give the message of a start that has ended by itself, if there is one."""

    def log_of(self, member: str) -> str:
        """Give the end of a member's log."""


class ComposeGate:
    """A gate's stack on the Docker engine."""

    def __init__(
        self,
        engine: docker.Engine,
        compose: docker.Compose,
        plan: GatePlan,
        project: str,
        file: Path,
        folder: Path,
        variables: Mapping[str, str],
        sides: Mapping[SideName, Side],
    ) -> None:
        self._engine = engine
        self._compose = compose
        self._plan = plan
        self._project = project
        self._file = file
        self._folder = folder
        self._variables = variables
        self._sides = sides
        self._local = docker.is_local()
        self._containers: dict[str, docker.Container] = {}
        self._starts: dict[SideName, tuple[Start, ...]] = dict.fromkeys(SideName, ())
        self._held: set[str] = set()
        self._counters: Counters | None = None

    @property
    def proxy_host(self) -> str:
        """The proxy's address."""
        return self._containers[PROXY].address

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores that it uses."""
        return self._plan.cores if self._local else ()

    def grow(self, count: int) -> None:
        """Start what is missing to ``count`` starts of each side, and the services."""
        each = math.ceil(count / len(self._plan.cores))
        scale = {service: each for side in SideName for service in self._services(side)}
        words = docker.up_words(scale, (*scale, PROXY, GENERATOR, METRONOME))
        command = self._compose.command(
            words[0], "--no-recreate", *words[1:], project=self._project, files=(self._file,)
        )
        try:
            proc.run(command, env=self._variables, timeout_s=UP_LIMIT_S)
        except ProcessFailure as error:
            raise EnvironmentFailure(
                f"Compose {self._compose.version} did not start the stack: {error.output or error}"
            ) from error
        self._look()

    def _look(self) -> None:
        """Learn which containers there are, and how their counters are read."""
        self._containers = {
            member_name(each): each for each in self._engine.containers(self._project)
        }
        self._starts = {side: self._in_turn(side) for side in SideName}
        kernel = KernelCounters(self._containers) if self._local else None
        self._counters = (
            kernel
            if kernel is not None and kernel.complete
            else EngineCounters(self._engine, self._project, self._containers)
        )

    def _services(self, side: SideName) -> tuple[str, ...]:
        """Give the services of a side: one for each lane."""
        return tuple(f"{side}-{lane}" for lane in LANES[: len(self._plan.cores)])

    def _in_turn(self, side: SideName) -> tuple[Start, ...]:
        """Give the starts of a side: the first of each lane, the second of each, and so on."""
        lanes = [
            sorted(
                (each.number, name, each)
                for name, each in self._containers.items()
                if each.service == service
            )
            for service in self._services(side)
        ]
        in_turn = (each for row in zip(*lanes, strict=True) for each in row)
        return tuple(
            Start(
                side=side,
                number=number,
                member=name,
                address=f"{each.address}:{self._sides[side].port}",
                identity=each.id[:12],
            )
            for number, (_, name, each) in enumerate(in_turn, start=1)
        )

    def hold(self) -> None:
        """Hold those that are not yet held to the plan's budget."""
        fresh = [
            start.member
            for side in SideName
            for start in self._starts[side]
            if start.member not in self._held
        ]
        wait_until_quiet(fresh, self.read)
        ids = [self._containers[member].id for member in fresh]
        proc.run(docker.update_argv(ids, cpus=self._plan.replica_cpus, cores=()))
        self._held.update(fresh)

    def starts(self, side: SideName) -> tuple[Start, ...]:
        """Give a side's starts."""
        return self._starts[side]

    def pin(self, start: Start, cores: Sequence[int]) -> None:
        """Bind a start to cores."""
        self._engine.pin(self._containers[start.member].id, cores)

    def speak(self, member: str, *command: str) -> Child:
        """Start a program in a member's container."""
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        return Child(
            docker.exec_argv(self._containers[member].id, *command), log=logs / f"{member}.log"
        )

    def configure_proxy(self, ports: Sequence[Port]) -> None:
        """Write the proxy's configuration, which it waits for."""
        servers = [
            nginx.ServerBlock(
                port=port.number,
                members=tuple(
                    self._starts[port.side][number - 1].address for number in port.members
                ),
            )
            for port in ports
        ]
        template = (self._file.parent / "nginx.conf.j2").read_text()
        text = nginx.render(template, servers, status_port=STATUS_PORT, folder=PROXY_FOLDER)
        # Under another name first: the proxy starts as soon as the file is there.
        write = f"cat > {PROXY_CONFIG}.new && mv {PROXY_CONFIG}.new {PROXY_CONFIG}"
        proc.run(docker.exec_argv(self._containers[PROXY].id, "sh", "-c", write), input_text=text)

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Read the counters of these members now."""
        assert self._counters is not None
        return self._counters.read(members)

    def read_host(self) -> HostReading | None:
        """Read what the machine's cores did, where the engine is on this machine."""
        if not self._local:
            return None
        return host.read_host({*self._plan.cores, *self._plan.service_cores})

    def members(self) -> tuple[str, ...]:
        """Give the names of all members."""
        return tuple(self._containers)

    def identities(self) -> Mapping[str, str]:
        """Give what each member is now."""
        assert self._counters is not None
        return self._counters.identities()

    def ended(self) -> str | None:
        """Give the message of a start that has ended by itself."""
        for each in self._engine.containers(self._project):
            side = side_of(each.service)
            if side is not None and not each.running:
                why = "for want of memory" if each.out_of_memory else f"with code {each.exit_code}"
                return (
                    f"A start of {side} ({member_name(each)}) ended {why} before it"
                    f" answered. The end of its log:\n"
                    f"{self._engine.log(each.id, lines=LOG_LINES)}"
                )
        return None

    def log_of(self, member: str) -> str:
        """Give the end of a member's log."""
        return self._engine.log(self._containers[member].id, lines=LOG_LINES)


@contextmanager
def open_stack(
    root: Path,
    plan: GatePlan,
    worker: str,
    sides: Sides,
    folder: Path,
    say: Say,
) -> Iterator[ComposeGate]:
    """Have a stack of one worker model, with no start yet; it is taken down at the end."""
    engine = docker.Engine()
    try:
        compose = docker.find_compose()
        remove_dead(engine, say)
        project = project_name(folder.name)
        file = root / "compose/gate.yaml"
        variables = _variables(plan, worker, sides, folder)
        try:
            yield ComposeGate(
                engine,
                compose,
                plan,
                project,
                file,
                folder,
                variables,
                {SideName.BASE: sides.base, SideName.HEAD: sides.head},
            )
        finally:
            with signals.shield():
                try:
                    say("Taking the stack down")
                    save_logs(engine, project, folder / "logs")
                finally:
                    take_down(compose, engine, project, (file,), variables, say)
    finally:
        engine.close()


def _variables(plan: GatePlan, worker: str, sides: Sides, folder: Path) -> dict[str, str]:
    return {
        "TWOFOLD_RUN": folder.name,
        "TWOFOLD_WORKER_MODEL": worker,
        "TWOFOLD_PROXY_IMAGE": images.PROXY,
        "TWOFOLD_GENERATOR_IMAGE": images.GENERATOR,
        "TWOFOLD_GATE_BASE": sides.base.digest,
        "TWOFOLD_GATE_HEAD": sides.head.digest,
        "TWOFOLD_GATE_BASE_ENV": str(_environment_file(sides.base, folder)),
        "TWOFOLD_GATE_HEAD_ENV": str(_environment_file(sides.head, folder)),
        "TWOFOLD_SERVICES_CPUSET": ",".join(str(core) for core in plan.service_cores),
        "TWOFOLD_SECRET_KEY": f"only for the load test {folder.name}",
    }


def _environment_file(side: Side, folder: Path) -> Path:
    path = (folder / f"{side.name}.env").resolve()
    try:
        path.write_text("".join(f"{name}={value}\n" for name, value in side.environment.items()))
    except OSError as error:
        raise EnvironmentFailure(
            f"{path} cannot be written ({error.strerror}). Make room, or name another folder:"
            " --out DIR."
        ) from error
    return path
