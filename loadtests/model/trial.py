"""Records of what was measured: trials and the calibration of users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.model.failures import AnswerExample, RequestOutcomes
from loadtests.model.plan import TrialSpec
from loadtests.model.stack import DeploymentSeen
from loadtests.model.tested.shared import SharedUse
from loadtests.model.vocabulary import Role


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The resources that one member used between two readings, ``span_s`` apart.

    ``completed`` counts the requests that it answered between them; None for members that answer
    none. ``throttled_ratio`` is the share of CPU periods in which the member was throttled.
    ``periods`` is how many of them the kernel counted: those in which the member wanted CPU, and
    the next one. It is None where nobody counts them, and in older journals.
    """

    member: str
    role: Role
    span_s: float
    cpu_s: float
    budget_cpus: float | None
    throttled_ratio: float | None
    completed: int | None
    memory_bytes: int | None = None
    periods: int | None = None


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Exact percentiles, in milliseconds, of the successful requests that ended in the window.

    ``sd_ms`` is their standard deviation; None in older journals.
    """

    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    mean_ms: float | None = None
    sd_ms: float | None = None

    @property
    def dispersion(self) -> float:
        """How many times as variable as by Poisson the number of answers is, at the most.

        It is 1 + c², where c is the standard deviation of response times over their mean. Answers
        of one user after another form a renewal process, whose count varies by c² times its mean
        (D. R. Cox, "Renewal Theory", 1962). 1 is added for what else is random.
        """
        if not self.mean_ms or self.sd_ms is None:
            return 1.0
        return 1 + (self.sd_ms / self.mean_ms) ** 2


@dataclass(frozen=True, kw_only=True)
class Conservation:
    """The requests of a whole trial (warm-up, window, drain), as each party counted them.

    ``proxy`` and ``replicas`` are None where they cannot be read.
    """

    sent: int
    answered: int
    proxy: int | None
    replicas: int | None


@dataclass(frozen=True, kw_only=True)
class RequestCount:
    """Requests sent to a start in its pair, and its own count, which may lack the failed ones."""

    sent: int
    counted: int
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class GeneratorHealth:
    """Whether the generator kept up in the window.

    ``cpu_ratio`` is its busiest process's share of one core. ``lag_p99_ms`` is the 99th percentile
    of how late a timer fired that is due every few milliseconds. ``dropped`` counts due requests
    that could not be sent, ``lost_workers`` the processes that ended early.

    ``held_ratio`` is the share of the users' time for which they waited for the limit of requests a
    second.

    On several machines, ``clock_offset_ms`` is how far their clocks are from this machine's, which
    is corrected, and ``clock_error_ms`` how far off the correction may be. ``late_ms`` is how late
    a machine noticed an edge of the window.
    """

    cpu_ratio: float
    lag_p99_ms: float
    lag_max_ms: float
    dropped: int = 0
    lost_workers: int = 0
    clock_offset_ms: float | None = None
    clock_error_ms: float | None = None
    late_ms: float | None = None
    held_ratio: float = 0.0


@dataclass(frozen=True, kw_only=True)
class NetworkUse:
    """What TCP sent in the window where a member is.

    These are segments, those of them sent again, and timers that ran out before an answer came.
    """

    member: str
    segments: int
    retransmitted: int
    timeouts: int


@dataclass(frozen=True, kw_only=True)
class NodeUse:
    """CPU that others took of a node in the window, as shares of its cores."""

    node: str
    steal_ratio: float
    foreign_ratio: float


@dataclass(frozen=True, kw_only=True)
class HostUse:
    """CPU that others took in the window, as shares of the cores: hypervisor and programs."""

    steal_ratio: float
    foreign_ratio: float


@dataclass(frozen=True, kw_only=True)
class RequestDistribution:
    """How the requests of one trial were distributed over the replicas.

    ``counts`` has each replica's requests over the whole trial (warm-up, window, drain), and
    ``unnamed`` those of unknown replicas. ``silences_ms`` is the longest time inside the window in
    which a replica answered nothing.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    unnamed: int = 0
    silences_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def spread(self) -> int:
        """The most requests of a replica less the fewest."""
        return max(self.counts.values()) - min(self.counts.values()) if self.counts else 0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One finished trial: a line of the journal.

    ``completed`` and ``failed`` count requests that ended inside the window. Requests that hung in
    it and were given up later count as failed, too. ``answers`` counts the answers of each replica
    in the window, as the proxy names it. ``quarters_rps`` is the throughput of the window's four
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
    """Mean service time of a request with one user on one replica (from calibration)."""
    set_aside: str | None = None
    """Why this trial was discarded and measured again; None for one that counts."""
    core_speed: float | None = None
    """Speed of the replicas' cores in the window: what the speed probe hashes per CPU-second. In
    older journals it hashed and read memory."""
    memory_speed: float | None = None
    """What the speed probe reads of memory per CPU-second; None in older journals."""
    memory_weight: float = 0.0
    """The part of ``memory_speed`` in the speed to which throughput is corrected; 0 in the journal.
    See ``analysis.core_speed``."""
    speed_correction: float = 1.0
    """The factor by which ``throughput_rps`` was corrected to the run's mean core speed; 1 in the
    journal, which has raw throughput. See ``analysis.core_speed``."""
    speed_correction_margin: float = 0.0
    """By how much the logarithm of ``speed_correction`` may be off, with 95 % confidence. It is
    below 0 where the core was slower than the run's mean: corrections err together."""
    dealing: RequestDistribution | None = None
    """How the requests were distributed; None in older journals."""
    in_flight: float | None = None
    """Mean number of requests in flight in the window; None in older journals."""
    requests: tuple[RequestOutcomes, ...] = ()
    """How the requests of each name ended in the window; empty in older journals."""
    examples: tuple[AnswerExample, ...] = ()
    """A few answers of each kind, where some failed."""
    shared: tuple[SharedUse, ...] = ()
    """What replicas share, as it was used at the window's edges; empty where nobody can look."""
    network: tuple[NetworkUse, ...] = ()
    nodes: tuple[NodeUse, ...] = ()
    """What the network sent, and what others took of the nodes; empty where nobody can look."""
    deployment: DeploymentSeen | None = None
    """What hooks told of the deployment; None where no hooks scale it, and in older journals."""


@dataclass(frozen=True, kw_only=True)
class CalibrationStep:
    """Throughput of one replica of one worker model under one number of users."""

    worker: str
    workload: str
    users: int
    throughput_rps: float
    mean_ms: float | None
    lost_workers: int = 0
    """Processes of the generator that ended early in this step."""
    completed: int | None = None
    """Answers that the throughput was counted from; None in older journals."""
    dispersion: float = 1.0
    """How many times as variable as by Poisson that number is; 1 in older journals."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How many users saturate one replica, and the steps that showed it."""

    worker: str
    workload: str
    users_per_replica: int
    service_ms: float | None
    steps: tuple[CalibrationStep, ...]

    @property
    def answer_ms(self) -> float | None:
        """How long an answer takes with ``users_per_replica``: the last step's time, in proportion.

        A replica that is full answers no faster to more users, so they wait that much longer.
        """
        last = self.steps[-1]
        return None if last.mean_ms is None else last.mean_ms * self.users_per_replica / last.users
