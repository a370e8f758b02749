"""The interface of backends and stacks.

A backend opens a plan's :class:`Stack` in a ``with`` block. It starts all replicas of all worker
models, the proxy, and the services they need. It records what it owns before creating it. At the
end it saves the logs into the run's folder, and then removes everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from loadtests.model.machine import Machine
from loadtests.model.plan import Plan, TrialSpec, Upstream
from loadtests.model.stack import (
    DeploymentSeen,
    HostReading,
    LogLines,
    NodesSeen,
    Reading,
    Replica,
    ReplicaState,
)
from loadtests.model.tested.front import Front
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.shared import SharedUse
from loadtests.model.tested.target import Target
from loadtests.tools.proc import Child

FIRST_LOG_CHARS = 1_000_000
"""How much of the beginning of a log is read for what a server says of itself.

An application that prints much while it is imported writes between the lines of its server."""

Say = Callable[[str], None]
"""Prints one line of progress."""


class Stack(Protocol):
    """A running stack.

    Members are named ``<worker>-<number>``, ``proxy``, ``generator``,
    ``metronome`` and ``store``. An idle control has the number 0, and is no replica.
    """

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """All replicas of all worker models, ordered by worker model and number."""

    @property
    def proxy_host(self) -> str:
        """The proxy's host name or address, as seen by the generator."""

    @property
    def status_url(self) -> str | None:
        """The URL of nginx's own counters, as seen by the generator; None without our proxy."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found, changed or added since the start, in sentences; it may still grow."""

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores of this machine that the stack uses; none if it runs on another machine."""

    def start_generator(self) -> Child:
        """Start the generator's program; see the generator's protocol."""

    def start_metronome(self) -> Child | None:
        """Start the CPU speed probe on the replicas' cores; None where they are not ours."""

    def activate(self, spec: TrialSpec) -> None:
        """Make a trial's replicas the ones that serve; nothing to do where all are up."""

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Configure the proxy to pass each upstream's port to its members."""

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Return the present counters of these members, each with its own time."""

    def read_host(self) -> HostReading | None:
        """Return the CPU counters of the machine, or None if they cannot be read."""

    def identities(self) -> Mapping[str, str]:
        """Return the identity of each member; a restart or a replacement changes it."""

    def log_of(self, member: str) -> str:
        """Return the end of a member's log, for error messages."""

    def log_lines(self, member: str) -> LogLines:
        """Return all lines of a member's log, or as many of the last ones as can be read."""

    def state_of(self, member: str) -> ReplicaState:
        """Return whether a replica runs, and where it listens, for error messages."""

    def first_log(self, member: str) -> str:
        """Return the beginning of a member's log, where a server says what it runs."""

    def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
        """Return a replica's processes, the first one first; () where they cannot be read."""

    def run_module(self, module: str, text: str) -> str:
        """Run a module of the generator's package where the generator runs.

        It gets ``text`` on standard input; its standard output is returned.
        """


@runtime_checkable
class KeepsFiles(Protocol):
    """A stack that knows which files its members write; ``files_are_shared`` if all see the same.

    Not every stack can tell.
    """

    files_are_shared: bool

    def files_written(self, member: str, *, limit_s: float) -> tuple[str, ...] | None:
        """Return the paths that a member wrote, or has open for writing.

        None where that is not known after ``limit_s``.
        """


@runtime_checkable
class KnowsVariables(Protocol):
    """A stack that knows with which environment variables its members were started."""

    def variables_of(self, member: str) -> Mapping[str, str]:
        """Return a replica's variables; {} where they cannot be read. They have passwords."""


@runtime_checkable
class AsksStores(Protocol):
    """A stack that can ask its own stores what their sessions do: MySQL and MariaDB."""

    def askable_stores(self) -> tuple[str, ...]:
        """Return the members that can be asked."""

    def sessions_of(self, member: str) -> Sequence[tuple[str, str, str]]:
        """Return type of wait, wait and statement of each active session of a store.

        Raises :class:`ProcessFailure` or ``ValueError`` with the reason where it does not tell.
        """


@runtime_checkable
class WatchesShared(Protocol):
    """A stack that can look at what its replicas share. Not every stack can."""

    def look_at_shared(self) -> SharedUse:
        """Return the store's sessions and the locked files of this moment; takes milliseconds."""


@runtime_checkable
class WatchesNodes(Protocol):
    """A stack on nodes, whose own counters and network it can read. Not every stack can."""

    def look_at_nodes(self) -> NodesSeen:
        """Return the nodes' CPU and TCP's counters of this moment."""


@runtime_checkable
class WatchesDeployment(Protocol):
    """A stack that hooks scale, which tell where its replicas are. Not every stack has hooks."""

    def look_at_deployment(self) -> DeploymentSeen:
        """Return what is known of the deployment since the counters were read last."""


@runtime_checkable
class HasFront(Protocol):
    """A stack with the user's own proxy in the place of ours; its replicas have addresses."""

    front_port: int

    def look_at_front(self) -> Front:
        """Return what was seen of the user's proxy by now."""


@runtime_checkable
class SpreadsPeriods(Protocol):
    """A stack that gives its replicas CPU budgets, and tries to spread their periods."""

    periods_spread: bool | None
    """Whether they begin one after another; None without budgets. Known once the proxy is there."""


@runtime_checkable
class RenewsProxy(Protocol):
    """A stack whose proxy is ours, and can be given a new worker process."""

    def end_proxy_worker(self, pid: int) -> None:
        """Let the proxy's worker process end, and all of its connections with it.

        nginx then starts another one. ``pid`` is the worker's, as the proxy itself sees it.
        """


@runtime_checkable
class Grows(Protocol):
    """A stack that can start one more replica while the others run. Not every stack can."""

    def further_replica(self, worker: str) -> AbstractContextManager[str]:
        """Start one more replica; provide its ``ip:port``, and end it at the end of the block."""


@runtime_checkable
class HasIdleControls(Protocol):
    """A stack with idle controls; see ``environments.idle_control``. Not every stack has some."""

    def idle_controls(self) -> tuple[str, ...]:
        """Return the names of the idle controls, without those that are known to have ended.

        ``notes`` tell of these.
        """


@runtime_checkable
class MayBeScaled(Protocol):
    """A stack whose replicas somebody else may scale, too. Not every stack is."""

    @property
    def foreign_change(self) -> str | None:
        """How somebody else changed the number of replicas, in a clause; None if nobody did."""


@runtime_checkable
class MayBeReset(Protocol):
    """A stack whose replicas a reset command may start anew. Not every stack has such replicas."""

    def forget_replicas(self) -> None:
        """Let the next trial wait again until its replicas are there and ready.

        Called before the command runs. Raises :class:`EnvironmentFailure` where somebody else has
        scaled them.
        """


class Backend(Protocol):
    """A way to run a stack."""

    name: str

    def open(self, plan: Plan, folder: Path, say: Say) -> AbstractContextManager[Stack]:
        """Bring up a plan's stack; logs and configuration files go into ``folder``."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A chosen backend, its machine, and the reason for the choice.

    ``tested`` is the target with what the backend saw of it; None where that is nothing new.
    ``lock`` names what only one run at a time may measure on: this machine, if it is empty, or the
    address of an engine on another one.
    """

    backend: Backend
    machine: Machine
    why: str
    tested: Target | None = None
    lock: str = ""
