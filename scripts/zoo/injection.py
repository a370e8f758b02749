"""Puts a fault on a stack that is up, from outside: the harness knows nothing of it.

A :class:`FaultyBackend` wraps a backend. What the harness says to the generator is overheard, so a
fault can be put on before the first trial of the rounds (when the stack has been proven and
calibrated) or in the middle of a window, and can change what the generator is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any

from loadtests.environments.protocol import Backend, RenewsProxy, Say, Stack
from loadtests.model.plan import Plan, TrialSpec, Upstream
from loadtests.model.stack import HostReading, LogLines, Reading, Replica, ReplicaState
from loadtests.model.tested.in_force import ServerProcess
from loadtests.tools.proc import Child

Order = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A stack that is up, where its files are, and what is planned for it."""

    stack: Stack
    folder: Path
    plan: Plan

    def pids_of(self, member: str) -> tuple[int, ...]:
        """Give a member's processes, the first one first, by its identity."""
        told = self.stack.identities().get(member, "")
        return tuple(int(one.partition("@")[0]) for one in told.split())

    def spec_of(self, order: Order) -> TrialSpec | None:
        """Give the planned trial of an order, or None for a calibration."""
        specs = (spec for specs in self.plan.rounds for spec in specs)
        return next((spec for spec in specs if order["id"] in {spec.id, f"{spec.id}-again"}), None)


class Injection:
    """A fault; this one is none. Others override what they need."""

    def start_generator(self, scene: Scene) -> Child:
        """Start the generator."""
        return scene.stack.start_generator()

    def begin(self, scene: Scene) -> None:
        """Act before the first trial of the first round."""

    def before(self, scene: Scene, spec: TrialSpec, order: Order) -> None:
        """Act before each trial; ``order`` is what the generator will be asked for."""

    def opened(self, scene: Scene, spec: TrialSpec, order: Order) -> None:
        """Act as the window of a trial has opened."""

    def end(self) -> None:
        """Take back what would outlive the stack."""


class FaultyBackend:
    """A backend whose stacks have a fault."""

    def __init__(self, inner: Backend, injection: Injection) -> None:
        self._inner = inner
        self._injection = injection
        self.name = inner.name

    @contextmanager
    def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[Stack]:
        """Bring the stack up, and at the end take the fault back."""
        with self._inner.open(plan, folder, say) as stack:
            try:
                yield FaultyStack(Scene(stack=stack, folder=folder, plan=plan), self._injection)
            finally:
                self._injection.end()


class FaultyStack:
    """A stack whose generator is overheard; see ``environment.protocol.Stack``."""

    def __init__(self, scene: Scene, injection: Injection) -> None:
        self._scene = scene
        self._stack = scene.stack
        self._injection = injection
        self._begun = False
        self._order: Order | None = None

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """Every replica."""
        return self._stack.replicas

    @property
    def proxy_host(self) -> str:
        """Where the generator reaches the proxy."""
        return self._stack.proxy_host

    @property
    def status_url(self) -> str | None:
        """Where nginx's counters are."""
        return self._stack.status_url

    @property
    def notes(self) -> tuple[str, ...]:
        """What the stack itself has noted."""
        return self._stack.notes

    @property
    def host_cores(self) -> tuple[int, ...]:
        """Which cores it uses."""
        return self._stack.host_cores

    def start_generator(self) -> Child:
        """Start the generator, overheard from then on."""
        child = self._injection.start_generator(self._scene)
        return OverheardChild(child, said=self._said, heard=self._heard)

    def start_metronome(self) -> Child | None:
        """Start the metronome."""
        return self._stack.start_metronome()

    def activate(self, spec: TrialSpec) -> None:
        """Make a trial's replicas the ones that serve."""
        self._stack.activate(spec)

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Configure the proxy as planned; a fault comes after it was proven."""
        self._stack.configure_proxy(upstreams)

    def end_proxy_worker(self, pid: int) -> None:
        """Give the proxy a new worker."""
        assert isinstance(self._stack, RenewsProxy)
        self._stack.end_proxy_worker(pid)

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Read the counters."""
        return self._stack.read(members)

    def read_host(self) -> HostReading | None:
        """Read the machine's counters."""
        return self._stack.read_host()

    def identities(self) -> Mapping[str, str]:
        """Give who each member is."""
        return self._stack.identities()

    def state_of(self, member: str) -> ReplicaState:
        """Give the stack's own."""
        return self._stack.state_of(member)

    def log_of(self, member: str) -> str:
        """Give the end of a member's log."""
        return self._stack.log_of(member)

    def log_lines(self, member: str) -> LogLines:
        """Give the lines of a member's log."""
        return self._stack.log_lines(member)

    def first_log(self, member: str) -> str:
        """Give the beginning of a member's log."""
        return self._stack.first_log(member)

    def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
        """Give a replica's processes."""
        return self._stack.processes_of(member)

    def run_module(self, module: str, text: str) -> str:
        """Run a module beside the generator."""
        return self._stack.run_module(module, text)

    def _said(self, line: str) -> str:
        order: Order = json.loads(line)
        self._order = order
        spec = self._scene.spec_of(order) if order.get("op") == "trial" else None
        if spec is None:
            return line
        if not self._begun:
            self._begun = True
            self._injection.begin(self._scene)
        self._injection.before(self._scene, spec, order)
        return json.dumps(order)

    def _heard(self, line: str) -> None:
        if self._order is None or '"opened"' not in line[:40]:
            return
        spec = self._scene.spec_of(self._order)
        if spec is not None:
            self._injection.opened(self._scene, spec, self._order)


class OverheardChild(Child):
    """A child between whom and the harness somebody listens, and may change what is said."""

    def __init__(
        self, inner: Child, *, said: Callable[[str], str], heard: Callable[[str], None]
    ) -> None:
        self.argv = inner.argv
        self.log = inner.log
        self._inner = inner
        self._said = said
        self._heard = heard

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._inner.pid

    @property
    def code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._inner.code

    def signal(self, number: Signals) -> None:
        """Send it a signal."""
        self._inner.signal(number)

    def send(self, line: str) -> None:
        """Let the listener hear, then say what it makes of it."""
        self._inner.send(self._said(line))

    def receive(self, timeout_s: float) -> str:
        """Hear the next line, and let the listener hear it."""
        line = self._inner.receive(timeout_s)
        self._heard(line)
        return line

    def ended_message(self) -> str:
        """Say that it ended."""
        return self._inner.ended_message()

    def close(self, *, grace_s: float = 3.0) -> None:
        """End it."""
        self._inner.close(grace_s=grace_s)
