"""The plan of a run, complete before anything is started."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.model.latency import LatencyPlan


@dataclass(frozen=True, kw_only=True)
class WorkerModel:
    """The settings of one gunicorn worker model in each replica.

    ``slots`` is how many requests one replica can serve at once (processes × threads). It is None
    where only CPU and memory limit it (greenlets).
    """

    name: str
    processes: int
    threads: int
    slots: int | None


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A workload: its name, and the path (with query) of its requests.

    ``scenario`` is the locustfile in ``generator/locustfiles`` of a workload with several paths, or
    None. ``needs_store`` says that requests use the data store.
    """

    name: str
    path: str
    scenario: str | None = None
    needs_store: bool = False


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
    among them.
    """

    replica_cpus: float | None
    replica_cores: tuple[int, ...]
    service_cores: tuple[int, ...]
    reason: str
    store_cpus: float | None = None
    store_cores: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The parts of a trial: warm-up (dropped), window (measured) and the longest drain."""

    settle_s: float
    window_s: float
    drain_limit_s: float


@dataclass(frozen=True, kw_only=True, order=True)
class Upstream:
    """One set of replicas of one worker model, behind its own port of the proxy.

    ``members`` are replica numbers from 1.
    """

    port: int
    worker: str
    members: tuple[int, ...]


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
