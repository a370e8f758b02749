"""The plan of a run, complete before anything is started."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtests.model.consistency import SAMPLE_CHECKS, Check
from loadtests.model.latency import LatencyPlan
from loadtests.model.profiles.planned import ProfilePlan
from loadtests.model.tested.target import SAMPLE, Target
from loadtests.model.tested.variables import Variables, Words
from loadtests.model.tested.workload import Workload

START_LIMIT_S = 90.0
"""How long a replica may take until it answers, where nothing else is asked for."""

MOST_USERS = 256
"""The most users that are tried on one replica; beyond it, more only lengthen the queue."""


@dataclass(frozen=True, kw_only=True)
class WorkerModel:
    """One way to serve the target, the same in each replica; the documentation calls it a variant.

    ``slots`` is how many requests one replica can serve at once (processes × threads). It is None
    where only CPU and memory limit it (greenlets), or where it is not known. ``server`` is a name
    in the registry of servers, and ``mode`` the server's own name for its kind of workers; None
    means ``name``. ``python`` is the path of another interpreter, whose environment has the
    application and the server. ``options`` are further words of the server's command line, and
    ``env`` further variables; of the server ``command``, ``options`` are the whole command.
    ``as_started`` means that the target starts its own server, and nothing is put into force.
    """

    name: str
    processes: int
    threads: int
    slots: int | None
    server: str = "gunicorn"
    mode: str | None = None
    python: str | None = None
    options: tuple[str, ...] = ()
    env: Variables = field(default_factory=dict)
    as_started: bool = False


@dataclass(frozen=True, kw_only=True, order=True)
class Cell:
    """Worker model × workload × number of replicas."""

    worker: str
    workload: str
    replicas: int

    def __str__(self) -> str:
        return f"{self.worker} {self.workload} ×{self.replicas}"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The CPU of each replica and of the store, and the cores of each role.

    ``replica_cpus`` and ``store_cpus`` are None where no budget can be set. Empty core tuples mean
    "not pinned". ``service_cores`` are the generator's and the proxy's; ``store_cores`` may be
    among them. ``replicas_apart`` says that no two replicas of a variant share a core, although
    they are not pinned to any: each of several machines has one for each of its replicas.
    ``physical_cores`` is how many cores ``replica_cores`` are; None where each is one.
    ``periods_spread`` says whether the CPU periods of replicas begin one after another, as was seen
    after the start; None where that is not known.
    """

    replica_cpus: float | None
    replica_cores: tuple[int, ...]
    service_cores: tuple[int, ...]
    reason: str
    store_cpus: float | None = None
    store_cores: tuple[int, ...] = ()
    replicas_apart: bool = False
    physical_cores: int | None = None
    periods_spread: bool | None = None

    def share_cores(self, replicas: int) -> bool:
        """Return whether some of so many replicas share a core, or are siblings on one."""
        return not self.replicas_apart and replicas > self.separate_cores

    @property
    def separate_cores(self) -> int:
        """How many replicas can have a core of their own."""
        return len(self.replica_cores) if self.physical_cores is None else self.physical_cores


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The parts of a trial: warm-up (dropped), window (measured) and the longest drain."""

    settle_s: float
    window_s: float
    drain_limit_s: float


@dataclass(frozen=True, kw_only=True, order=True)
class IdleConnections:
    """The idle connections to each replica that the proxy keeps for one upstream, and how long.

    ``most`` 0 means that the proxy opens a connection for each request, and says so to the server.
    By default it is more than any trial has users. A user without an idle connection would make a
    replica open and close a socket, which is work that other trials do not have.
    """

    most: int = 1024
    timeout_s: float


@dataclass(frozen=True, kw_only=True, order=True)
class Upstream:
    """One set of replicas of one worker model, behind its own port of the proxy.

    ``members`` are replica numbers from 1. ``idle`` is None where the server allows what the proxy
    keeps by default.
    """

    port: int
    worker: str
    members: tuple[int, ...]
    idle: IdleConnections | None = None


@dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """One trial as planned. ``round`` and ``position`` count from 1; ``id`` names its files."""

    id: str
    round: int
    position: int
    cell: Cell
    members: tuple[int, ...]
    port: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that a run will do."""

    tested: Target = SAMPLE
    """The system under test. (``target`` is the factor that counts as "about twice".)"""
    checks: tuple[Check, ...] = SAMPLE_CHECKS
    """The declared consistency checks."""
    reset_command: Words = ()
    """The user's command that takes back what the load left behind, as an argument list."""
    seed: int
    backend: str
    workers: tuple[WorkerModel, ...]
    workloads: tuple[Workload, ...]
    replica_counts: tuple[int, ...]
    cells: tuple[Cell, ...]
    rounds_min: int
    rounds_max: int
    precision_ratio: float
    target: float
    budget: Budget
    timing: Timing
    upstreams: tuple[Upstream, ...]
    rounds: tuple[tuple[TrialSpec, ...], ...]
    expected_s: float
    expected_max_s: float
    notes: tuple[str, ...] = ()
    """What cannot be tested here, and why, in sentences."""
    with_store: bool = False
    """Whether the stack has a data store."""
    latency: LatencyPlan | None = None
    """The open-loop trials that follow the rounds; ``expected_s`` includes them."""
    generator_processes: int = 1
    """Processes of the load generator, on each of its machines."""
    generator_workers: tuple[str, ...] = ()
    """The ``host:port`` of the machines that generate the load; none means this one."""
    start_limit_s: float = START_LIMIT_S
    """How long a replica may take until it answers."""
    max_rps: float | None = None
    """The most requests a second that a deployment may get; None is no limit."""
    profile: ProfilePlan | None = None
    """The profile trials that come last; ``expected_s`` includes them."""

    @property
    def health_path(self) -> str:
        """The path that asks whether a replica is ready."""
        return self.tested.health or self.workloads[0].path
