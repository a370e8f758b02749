"""Results: cells, doublings, findings and the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.model.consistency import ProbeResult
from loadtests.model.failures import FailureResult
from loadtests.model.latency import Ceiling, LatencyResult, SloDoubling, SloResult
from loadtests.model.machine import Machine
from loadtests.model.plan import Cell, Plan
from loadtests.model.profiles.results import Profiles
from loadtests.model.tested.in_force import InForce
from loadtests.model.trial import Calibration
from loadtests.model.vocabulary import Bottleneck, RuleCode, RuleState, Verdict


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its 95 % interval; ``low`` and ``high`` are None where there is no interval."""

    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class ResourceUse:
    """The utilisation of one resource by a cell, over all its trials.

    ``used_ratio`` is the use as a share of the limit, and ``full_ratio`` the share from which the
    resource counts as saturated. ``detail`` is a clause with the figures in their own units. CPU is
    also saturated where its user was throttled in most CPU periods.
    """

    kind: Bottleneck
    name: str
    used_ratio: float
    full_ratio: float
    full: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """The result of one cell over all rounds.

    Each percentile is the median of the rounds' percentiles. ``replica_rps`` is the mean rate of
    each replica's answers in the trials that it took part in. ``memory_bytes`` is the memory of all
    replicas together.
    """

    cell: Cell
    trials: int
    users: int
    throughput_rps: Estimate
    speedup: Estimate
    efficiency_ratio: float | None
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    cpu_us_per_request: float | None
    cpu_got_cpus: float | None
    error_ratio: float | None
    bottleneck: Bottleneck
    bottleneck_detail: str
    memory_bytes: float | None = None
    resources: tuple[ResourceUse, ...] = ()
    replica_rps: Mapping[str, float] = field(default_factory=dict)
    ceiling_ratio: float | None = None
    """The share of the generator's ceiling that this throughput needed."""


@dataclass(frozen=True, kw_only=True)
class RequestResult:
    """The requests of one name in one cell, over all rounds.

    ``requests`` counts them in all windows, and ``failed`` those that failed. ``share_ratio`` is
    their share of all requests of the cell. ``throughput_rps`` are correct answers per second. Each
    percentile is the median of the rounds' percentiles. ``mean_bytes`` is the mean size of the
    bodies of correct answers. What is not known is None.
    """

    cell: Cell
    name: str
    requests: int
    failed: int
    share_ratio: float | None
    throughput_rps: float | None
    p50_ms: float | None
    p99_ms: float | None
    mean_bytes: float | None


@dataclass(frozen=True, kw_only=True)
class DoublingResult:
    """D(n) = X(2n)/X(n) of one worker model and workload, with its parts where CPU is counted.

    Where CPU is saturated, factor = cpu_got_factor ÷ cpu_per_request_factor. ``cpu_got_factor`` is
    the ratio of the CPU that the replicas used.
    """

    worker: str
    workload: str
    replicas_from: int
    replicas_to: int
    rounds: int
    factor: Estimate
    half_width_ratio: float | None
    cpu_got_factor: float | None
    cpu_per_request_factor: float | None
    verdict: Verdict
    reason: str
    settle_minutes: float | None
    """Minutes of measuring that would probably decide an inconclusive doubling."""
    machine_share_ratio: float = 0.0
    """By how much the interval reaches beyond chance, for what may be the shared cores'. Above 0 it
    reaches further up, below 0 further down."""

    def __str__(self) -> str:
        return f"{self.worker} {self.workload} {self.replicas_from}→{self.replicas_to}"


@dataclass(frozen=True, kw_only=True)
class ComparisonResult:
    """Throughput of one worker model over another's, at equal replicas and budgets.

    ``all_pairs_ratio`` has an interval that holds together with those of all pairs of this workload
    and number of replicas; None in older results. ``per_core_ratio`` is the ratio of requests per
    CPU-second; None where CPU was not counted.
    """

    workload: str
    replicas: int
    worker: str
    against: str
    ratio: Estimate
    all_pairs_ratio: Estimate | None = None
    per_core_ratio: Estimate | None = None


@dataclass(frozen=True, kw_only=True)
class LawResult:
    """A scalability law fitted to one worker model and workload.

    ``name`` is ``amdahl`` (sigma alone) or ``usl`` (sigma and kappa). ``bound`` is the highest
    speed-up that the law allows; None where it has no bound or no loss is shown to be above 0. The
    intervals hold what may be the shared cores', as those of the doublings do.
    """

    worker: str
    workload: str
    name: str
    sigma: Estimate
    kappa: Estimate | None
    bound: float | None
    note: str
    extrapolates: bool = True
    """False where chance does not explain the loss and shared cores may. Then nothing follows for
    more replicas."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The finding of one validity rule, for one cell or (``cell`` None) for the run.

    ``figure`` is the measured value and ``limit`` the value that it was compared with, in the
    rule's unit.
    """

    code: RuleCode
    state: RuleState
    cell: Cell | None
    figure: float | None
    limit: float | None
    detail: str


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """The identity of a run, and how long it took."""

    run_id: str
    started_at: str
    command: str
    wall_s: float
    measuring_s: float
    finished: bool
    """False where the run was stopped or crashed, and the result is from its journal."""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of a whole run: the content of ``run.json`` and of every report."""

    facts: RunFacts
    machine: Machine
    plan: Plan
    verdict: Verdict
    reason: str
    rounds: int
    measured_s: float
    cells: tuple[CellResult, ...]
    doublings: tuple[DoublingResult, ...]
    comparisons: tuple[ComparisonResult, ...]
    laws: tuple[LawResult, ...]
    findings: tuple[Finding, ...]
    calibrations: tuple[Calibration, ...]
    probes: tuple[ProbeResult, ...] = ()
    failures: tuple[FailureResult, ...] = ()
    ceiling: Ceiling | None = None
    latency: tuple[LatencyResult, ...] = ()
    slo: tuple[SloResult, ...] = ()
    slo_doublings: tuple[SloDoubling, ...] = ()
    in_force: tuple[InForce, ...] = ()
    """What served each worker model, as it was seen; empty in older runs."""
    requests: tuple[RequestResult, ...] = ()
    """The requests of each name in each cell; empty in older runs."""
    profiles: Profiles = field(default_factory=Profiles)
    """Where requests spend their time; empty where nobody looked."""

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The findings that make the run invalid."""
        return tuple(finding for finding in self.findings if finding.state is RuleState.BROKEN)
