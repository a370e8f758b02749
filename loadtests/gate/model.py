"""The frozen records of the gate; field names end in their unit, as in ``loadtests.model``. PURE.

A change is always one of the *performance*: a ratio above 1 (a logarithm above 0) is better for
every endpoint. 5 % more CPU per request is a change of −4.8 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loadtests.model.consistency import SAMPLE_CHECKS, Check, ProbeResult
from loadtests.model.failures import AnswerCount
from loadtests.model.machine import Machine
from loadtests.model.plan import START_LIMIT_S, WorkerModel
from loadtests.model.profiles.functions import FunctionChanges, FunctionProfile
from loadtests.model.result import Estimate
from loadtests.model.tested.in_force import InForce
from loadtests.model.tested.target import SAMPLE, SAMPLE_HEALTH_PATH, Target
from loadtests.model.tested.variables import UrlPath
from loadtests.model.tested.workload import Workload
from loadtests.model.trial import RequestCount
from loadtests.model.vocabulary import RuleCode

SCHEMA_VERSION = 5
"""Version of ``verdict.json``. 3: the open loop's rates, and consistency checks of two replicas;
4: the error of ``regressed`` is spent late; 5: open windows count what was due, hung ones fail."""

READABLE = frozenset({SCHEMA_VERSION - 1, SCHEMA_VERSION})
"""Versions that can be read. The figures of 4 were counted otherwise, so it is not continued."""


class GateVerdict(StrEnum):
    """The verdict on a change, or on one endpoint."""

    PASS = "pass"  # noqa: S105  no password
    REGRESSED = "regressed"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


class EndpointName(StrEnum):
    """The compared figures; the last three are guards, which have no margin."""

    THROUGHPUT = "throughput"
    CPU = "cpu_per_request"
    P50 = "p50"
    P99 = "p99"
    SCALING = "scaling"
    ERRORS = "errors"
    ANSWERS = "answers"
    BEGINS = "begins"


SIDE_BY_SIDE = (EndpointName.THROUGHPUT, EndpointName.CPU, EndpointName.P50, EndpointName.P99)
"""Endpoints measured on pairs of starts; scaling is measured in blocks."""


class SideName(StrEnum):
    """The two versions."""

    BASE = "base"
    HEAD = "head"


class SideKind(StrEnum):
    """What names a version."""

    IMAGE = "image"
    REF = "ref"
    PATH = "path"


class Mode(StrEnum):
    """The load of a window: users that wait for answers, or a fixed arrival rate."""

    CLOSED = "closed"
    OPEN = "open"


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


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Figures of one version in one window; None if a figure is unknown.

    ``completed`` and ``failed`` count the requests that ended or hung in a closed window, or were
    due in an open one; ``answers`` are those of each name (only older gates have ``unlike``).
    ``quantiles_ms`` represent the response times of an open window (``medians``).
    """

    completed: int
    failed: int
    throughput_rps: float
    cpu_us_per_request: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    got_cpus: float | None = None
    throttled_ratio: float | None = None
    quantiles_ms: tuple[float, ...] = ()
    unlike: int = 0
    answers: tuple[AnswerCount, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PairWindow:
    """Both versions in one window on one core; ``rate_rps`` is an open window's arrival rate."""

    mode: Mode
    core: int
    base: Figures
    head: Figures
    generator_ratio: float
    lag_ms: float
    rate_rps: float | None = None
    foreign_ratio: float | None = None
    steal_ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class StartPair:
    """One start of each version, loaded side by side; the statistical unit."""

    worker: str
    number: int
    base_start: str
    head_start: str
    at_s: float
    wall_s: float
    windows: tuple[PairWindow, ...]
    base_requests: RequestCount | None = None
    """None where base tells no count."""


@dataclass(frozen=True, kw_only=True)
class ScalingWindow:
    """One version alone, with one or two replicas behind the proxy."""

    side: SideName
    replicas: int
    figures: Figures
    generator_ratio: float
    lag_ms: float
    proxy_ratio: float | None = None
    core_speed: float | None = None
    foreign_ratio: float | None = None
    steal_ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class ScalingBlock:
    """{base, head} × {1, 2 replicas} in sequence: one doubling factor of each version."""

    worker: str
    number: int
    at_s: float
    wall_s: float
    windows: tuple[ScalingWindow, ...]


@dataclass(frozen=True, kw_only=True)
class WorkerLoad:
    """The load of one worker model: users per replica, and the open loop's first arrival rate."""

    worker: str
    users: int
    rate_rps: float
    gain_ratio: float | None
    """Throughput gained by the last doubling of the users."""


@dataclass(frozen=True, kw_only=True)
class SideProbe:
    """One try of one consistency check, on two replicas of a version."""

    side: SideName
    result: ProbeResult


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All measurements; ``--append`` adds to the end."""

    loads: tuple[WorkerLoad, ...] = ()
    pairs: tuple[StartPair, ...] = ()
    blocks: tuple[ScalingBlock, ...] = ()
    probes: tuple[SideProbe, ...] = ()
    replaced: tuple[str, ...] = ()
    """Members that were restarted, killed or gone during the gate."""
    sessions: int = 1
    """Number of measuring sessions; every ``--append`` adds one."""
    in_force: Mapping[SideName, tuple[InForce, ...]] = field(default_factory=dict)
    """What was seen to serve each version, an entry a name in ``workers``."""
    profiles: tuple[FunctionProfile, ...] = ()
    store_refusals: Mapping[SideName, str] = field(default_factory=dict)
    head_refusal: str | None = None
    """The log line of each version's store that refused connections; what a start of head says."""
    not_begun: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Why head's users did not begin on a worker model, in each try; base's began in all."""


@dataclass(frozen=True, kw_only=True)
class EndpointResult:
    """One endpoint of one worker model, judged against its margin.

    ``change`` is the performance ratio − 1 (−0.05: 5 % worse). Its ``low`` is the one-sided bound
    that has to be above ``-margin`` for ``pass`` (error ``beta`` of this look). Its ``high`` is the
    bound that has to be below 0 for ``regressed`` (error ``alpha`` of this look and endpoint).
    ``base`` and ``head`` are geometric means in the endpoint's unit. ``visible`` is the smallest
    loss that 19 of 20 gates like this one would detect.
    """

    worker: str
    endpoint: EndpointName
    margin: float
    units: int
    look: int
    verdict: GateVerdict
    change: Estimate
    base: float | None
    head: float | None
    unit: str
    sd_ratio: float | None
    visible: float | None
    settle_minutes: float | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class GateFinding:
    """A broken rule, or a ``warning``, with its figures."""

    code: RuleCode
    detail: str
    warning: bool = False


@dataclass(frozen=True, kw_only=True)
class GateFacts:
    """The identity and the duration of a gate."""

    gate_id: str
    started_at: str
    command: str
    wall_s: float
    finished: bool
    differences: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """What differs, as far as it is known without running the versions; what is not compared."""
    identical: bool = False
    """Whether two commits give the same images, set alike. Then nothing is measured."""


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """A whole gate: the content of ``verdict.json`` and of every report."""

    schema_version: int
    verdict: GateVerdict
    reason: str
    cause: str | None
    endpoints: tuple[EndpointResult, ...]
    findings: tuple[GateFinding, ...]
    measured_s: float
    facts: GateFacts
    machine: Machine
    base: Side
    head: Side
    plan: GatePlan
    evidence: Evidence
    titles: Mapping[str, str] = field(default_factory=dict)
    """What each name in ``workers`` is called: what was seen to run, where that is another."""
    functions: tuple[FunctionChanges, ...] = ()
