"""The frozen records that pass between the stages.

Units stand in the names: ``_s`` seconds, ``_ms`` milliseconds, ``_us`` microseconds, ``_rps``
successful requests per second, ``_ratio`` a share of one, ``_cpus`` CPU-seconds per second.
Moments (``_at_s``) are seconds since the epoch, which every process of a stack shares. ``None``
means "not known", and never stands for zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loadtests.dealing import Dealing
from loadtests.latency.model import Ceiling, LatencyPlan, LatencyResult, SloDoubling, SloResult
from loadtests.probed import ProbeResult

SCHEMA_VERSION = 1
"""Version of ``run.json`` and of a journal's line. 1: the first."""


class Verdict(StrEnum):
    """What can be said of a doubling, or of a run."""

    SCALES = "scales"
    FALLS_SHORT = "falls_short"
    NO_GAIN = "no_gain"
    BREAKS = "breaks"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


class Bottleneck(StrEnum):
    """What was full in a cell's windows."""

    REPLICA_CPU = "replica_cpu"
    WORKER_SLOTS = "worker_slots"
    PROXY = "proxy"
    GENERATOR = "generator"
    STORE = "store"
    HOST = "host"
    UNEXPLAINED = "unexplained"


class RuleCode(StrEnum):
    """The validity rules; each is explained where it is checked, in ``validity``."""

    GENERATOR_SATURATED = "generator_saturated"
    PROXY_SATURATED = "proxy_saturated"
    REPLICA_SHARE = "replica_share"
    IDLE_COST = "idle_cost"
    NOT_SATURATED = "not_saturated"
    ERRORS = "errors"
    CONSERVATION = "conservation"
    IDENTITY = "identity"
    HOST_CONTENTION = "host_contention"
    STEADY = "steady"
    BUDGET = "budget"


class RuleState(StrEnum):
    """Whether a rule held. A rule that could not be checked here is never called held."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNCHECKED = "unchecked"


class Role(StrEnum):
    """What a member of the stack is there for."""

    REPLICA = "replica"
    PROXY = "proxy"
    GENERATOR = "generator"
    STORE = "store"
    METRONOME = "metronome"


# -- what is asked, and on what ---------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class WorkerModel:
    """How one gunicorn worker model is set up in each replica.

    ``slots`` is how many requests one replica can have in service at once (processes × threads),
    or None where nothing but means limits it (greenlets).
    """

    name: str
    processes: int
    threads: int
    slots: int | None


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What one request does: its name, and the path (with query) that is asked for.

    ``scenario`` names the one in ``scenarios/`` whose users ask for more than one path, or is None;
    ``needs_store`` says that requests use the data store.
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
class Machine:
    """The facts of a machine that a result depends on."""

    cores: int
    core_ids: tuple[int, ...]
    memory_bytes: int
    cpu_model: str
    system: str
    python: str
    engine: str | None = None
    compose: str | None = None
    cgroup: str | None = None
    can_budget: bool = True
    """Whether a CPU budget can be set for a replica here."""
    can_pin: bool = True
    """Whether a process can be bound to cores here."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The means of every replica and of the store, and which cores which role runs on.

    ``replica_cpus`` and ``store_cpus`` are None where no budget can be set. Empty core tuples mean
    "not pinned". ``store_cores`` may be among ``service_cores``, which are the generator's and the
    proxy's.
    """

    replica_cpus: float | None
    replica_cores: tuple[int, ...]
    service_cores: tuple[int, ...]
    reason: str
    store_cpus: float | None = None
    store_cores: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One trial's parts: load that is dropped, load that is measured, and the wait after it."""

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
    """Everything that a run will do, before anything is started."""

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
    """What a person should know of this plan: what cannot be tested here, and why."""
    with_store: bool = False
    """Whether the stack has a data store."""
    latency: LatencyPlan | None = None
    """The open-loop trials that follow the rounds; ``expected_s`` counts them too."""
    generator_processes: int = 1


# -- what was measured ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One replica as it runs. ``name`` is ``<worker>-<number>``, ``address`` is ``ip:port``."""

    name: str
    worker: str
    number: int
    address: str
    identity: str
    """What must stay the same during a run: container, start time and image, or process."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The counters of one member at one moment; all but memory only ever grow."""

    member: str
    role: Role
    at_s: float
    cpu_s: float
    periods: int | None = None
    throttled_periods: int | None = None
    throttled_s: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class HostReading:
    """CPU-seconds of the machine's cores at one moment, over the cores that the run uses."""

    at_s: float
    busy_s: float
    steal_s: float
    idle_s: float
    cores: int


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one member used between two readings ``span_s`` apart.

    ``completed`` counts the requests that it answered between the two (None for members that
    answer none). ``throttled_ratio`` is the share of the CPU periods in which the member was held.
    """

    member: str
    role: Role
    span_s: float
    cpu_s: float
    budget_cpus: float | None
    throttled_ratio: float | None
    completed: int | None
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Exact percentiles, in milliseconds, of the successful requests that ended in the window."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    mean_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Conservation:
    """One count of a whole trial (settle, window, drain) by each party that can count.

    ``proxy`` and ``replicas`` are None where that party cannot be asked.
    """

    sent: int
    answered: int
    proxy: int | None
    replicas: int | None


@dataclass(frozen=True, kw_only=True)
class GeneratorHealth:
    """Whether the generator kept up in the window.

    ``cpu_ratio`` is its busiest process's share of one core; ``lag_p99_ms`` the 99th percentile of
    how late a ticker fired that was due every few milliseconds; ``dropped`` counts requests that
    were due and could not be sent; ``lost_workers`` the processes that went missing.
    """

    cpu_ratio: float
    lag_p99_ms: float
    lag_max_ms: float
    dropped: int = 0
    lost_workers: int = 0


@dataclass(frozen=True, kw_only=True)
class HostUse:
    """What the machine did in the window beside the stack, as shares of the cores used."""

    steal_ratio: float
    foreign_ratio: float


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One finished trial: a line of the journal.

    ``completed`` and ``failed`` count requests that ended inside the window; those that hung in it
    and were given up afterwards have failed too. ``answers`` counts the answers of each replica in
    the window, by the proxy's own word; ``quarters_rps`` is the throughput of the window's four
    quarters, in order.
    """

    spec: TrialSpec
    users: int
    started_at_s: float
    window_s: float
    wall_s: float
    completed: int
    failed: int
    failures: Mapping[str, int] = field(default_factory=dict)
    throughput_rps: float
    latency: Latency | None
    answers: Mapping[str, int]
    quarters_rps: tuple[float, ...]
    usages: tuple[Usage, ...]
    idle_usages: tuple[Usage, ...]
    conservation: Conservation
    generator: GeneratorHealth
    host: HostUse | None
    identities: Mapping[str, str]
    service_ms: float | None = None
    """Mean time in service of a request by one user alone on one replica (from calibration)."""
    set_aside: str | None = None
    """Why this trial does not count and was measured again, or None for one that counts."""
    core_speed: float | None = None
    """Speed of the replicas' cores in the window by the metronome, in its work a CPU-second."""
    speed_correction: float = 1.0
    """By what ``throughput_rps`` was multiplied to stand for the run's mean core speed; 1 in the
    journal, where it is as it was measured. See ``corespeed``."""
    dealing: Dealing | None = None
    """How the requests were dealt out; None in a journal that is older than this."""
    in_flight: float | None = None
    """Requests under way in the window, as a mean over its time; None in an older journal."""


@dataclass(frozen=True, kw_only=True)
class CalibrationStep:
    """Throughput of one replica of one worker model under one number of users."""

    worker: str
    workload: str
    users: int
    throughput_rps: float
    mean_ms: float | None
    lost_workers: int = 0
    """Processes of the generator that went missing meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How many users a replica needs to be busy, and the steps that showed it."""

    worker: str
    workload: str
    users_per_replica: int
    service_ms: float | None
    steps: tuple[CalibrationStep, ...]


# -- what follows from it ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its 95 % interval; ``low`` and ``high`` are None where none can be given."""

    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class ResourceUse:
    """How much of one means a cell used, over all its trials.

    ``name`` is what people call it, ``used_ratio`` a share of all there was of it, ``full_ratio``
    the share from which it counts as full; ``detail`` is a clause with the figures in their own
    units. CPU is also full where its holder was held back in most CPU periods.
    """

    kind: Bottleneck
    name: str
    used_ratio: float
    full_ratio: float
    full: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """What is known of one cell over all rounds.

    Percentiles are medians over the rounds of each round's own; ``replica_rps`` is the mean rate
    of each replica's answers in the trials that it took part in; ``memory_bytes`` is that of all
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
class DoublingResult:
    """D(n) = X(2n)/X(n) of one worker model and workload, taken apart where counters allow.

    factor = cpu_got_factor ÷ cpu_per_request_factor, when CPU is what is full.
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
    """Minutes of measuring that would probably settle an inconclusive one."""

    def __str__(self) -> str:
        return f"{self.worker} {self.workload} {self.replicas_from}→{self.replicas_to}"


@dataclass(frozen=True, kw_only=True)
class ComparisonResult:
    """Throughput of one worker model over another's, at equal replicas and budgets."""

    workload: str
    replicas: int
    worker: str
    against: str
    ratio: Estimate


@dataclass(frozen=True, kw_only=True)
class LawResult:
    """A scalability law fitted to one worker model and workload.

    ``name`` is ``amdahl`` (sigma alone) or ``usl`` (sigma and kappa); ``bound`` is the greatest
    speed-up that the law allows, None where it has none, and where no loss is shown to be above 0.
    """

    worker: str
    workload: str
    name: str
    sigma: Estimate
    kappa: Estimate | None
    bound: float | None
    note: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one validity rule found, for one cell or (``cell`` None) for the run.

    ``figure`` is what was measured and ``limit`` what it was held against, in the rule's unit.
    """

    code: RuleCode
    state: RuleState
    cell: Cell | None
    figure: float | None
    limit: float | None
    detail: str


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What identifies a run and says how long it took; not worked out, only noted."""

    run_id: str
    started_at: str
    command: str
    wall_s: float
    measuring_s: float
    finished: bool
    """False where the run was stopped or died, and what there is comes from its journal."""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A whole run: ``run.json``, and everything that a report says."""

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
    ceiling: Ceiling | None = None
    latency: tuple[LatencyResult, ...] = ()
    slo: tuple[SloResult, ...] = ()
    slo_doublings: tuple[SloDoubling, ...] = ()

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The findings that take the verdict away."""
        return tuple(found for found in self.findings if found.state is RuleState.BROKEN)
