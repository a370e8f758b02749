"""The plan of a gate, complete before anything is started, and the two versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.gate.model.vocabulary import EndpointName, SideKind, SideName
from loadtests.model.consistency import SAMPLE_CHECKS, Check
from loadtests.model.plan import START_LIMIT_S, WorkerModel
from loadtests.model.tested.target import SAMPLE, SAMPLE_HEALTH_PATH, Target
from loadtests.model.tested.variables import UrlPath
from loadtests.model.tested.workload import Workload


@dataclass(frozen=True, kw_only=True)
class Side:
    """One version: ``asked`` is its name on the command line, ``digest`` that of its image.

    ``environment`` has its variables, each with a fingerprint of its value (``gate.fingerprints``).
    """

    name: SideName
    asked: str
    kind: SideKind
    digest: str
    port: int
    commit: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GateTiming:
    """Durations of a window's parts; ``first_settle_s`` is for the first load of a fresh start."""

    first_settle_s: float
    settle_s: float
    closed_s: float
    open_s: float
    scaling_s: float
    drain_limit_s: float


@dataclass(frozen=True, kw_only=True)
class GatePlan:
    """All settings of a gate, fixed before it starts.

    Endpoints are judged after ``looks`` pairs and ``block_looks`` blocks. ``margins`` are ratios.
    Replicas run on ``cores``: each pair shares one core, and one pair per core runs at a time.
    """

    seed: int
    workers: tuple[str, ...]
    workload: UrlPath
    """The name of a workload, or a path as it was asked for."""
    path: UrlPath
    margins: Mapping[EndpointName, float]
    alpha: float
    beta: float
    looks: tuple[int, ...]
    block_looks: tuple[int, ...]
    max_minutes: float
    replica_cpus: float
    cores: tuple[int, ...]
    service_cores: tuple[int, ...]
    timing: GateTiming
    asked: Workload | None = None
    """The user's own load, by which consistency is checked, too; None means ``path`` alone."""
    tested: Target = SAMPLE
    """What both versions are versions of."""
    checks: tuple[Check, ...] = SAMPLE_CHECKS
    """The declared consistency checks."""
    health: str = SAMPLE_HEALTH_PATH
    """The path that asks whether a start is ready."""
    models: Mapping[str, tuple[WorkerModel, WorkerModel]] = field(default_factory=dict)
    """How base and head are served, by the names in ``workers``; empty for gates before these."""
    profile: bool | None = False
    """Whether to profile functions; None means: where throughput, CPU or times changed."""
    start_limit_s: float = START_LIMIT_S
    """How long a start may take until it answers."""

    @property
    def tests(self) -> int:
        """How many tests share the error of ``regressed``: of each endpoint, and of failures."""
        return len(self.workers) * (len(self.margins) + 1)

    @property
    def scaling(self) -> bool:
        """Whether the doubling factor is compared too."""
        return EndpointName.SCALING in self.margins
