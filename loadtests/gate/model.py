"""The frozen records of the gate; units stand in the names, as in ``loadtests.model``. PURE.

Changes are those of the *performance*: a ratio above 1 (a logarithm above 0) is better, whatever
the endpoint. 5 % more CPU for each request is a change of −4.8 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loadtests.model.consistency import ProbeResult
from loadtests.model.machine import Machine
from loadtests.model.result import Estimate
from loadtests.model.vocabulary import RuleCode

SCHEMA_VERSION = 5
"""Version of ``verdict.json``. 3: the open loop's rates, and whether two replicas answer as one;
4: the error of ``regressed`` is spent late; 5: open windows count what was due in them, and what
was never answered has failed."""


class GateVerdict(StrEnum):
    """What can be said of a change, or of one endpoint of it."""

    PASS = "pass"  # noqa: S105  no password
    REGRESSED = "regressed"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


class EndpointName(StrEnum):
    """What is compared; the last two are guards, which have no margin."""

    THROUGHPUT = "throughput"
    CPU = "cpu_per_request"
    P50 = "p50"
    P99 = "p99"
    SCALING = "scaling"
    ERRORS = "errors"
    ANSWERS = "answers"


SIDE_BY_SIDE = (EndpointName.THROUGHPUT, EndpointName.CPU, EndpointName.P50, EndpointName.P99)
"""Endpoints that one pair of starts gives; the scaling comes from blocks in turns."""


class SideName(StrEnum):
    """Which of the two versions."""

    BASE = "base"
    HEAD = "head"


class SideKind(StrEnum):
    """What a version was named by."""

    IMAGE = "image"
    REF = "ref"
    PATH = "path"


def side_of(name: str) -> SideName | None:
    """Give the side that a service or member is of, by its name; None for the harness's own."""
    side = name.partition("-")[0]
    return SideName(side) if side in set(SideName) else None


class Mode(StrEnum):
    """How a window is loaded: users that wait for their answers, or a fixed arrival rate."""

    CLOSED = "closed"
    OPEN = "open"


# -- what is asked ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Side:
    """One version as it was found: ``digest`` is its image's, ``commit`` that of a git ref."""

    name: SideName
    asked: str
    kind: SideKind
    digest: str
    port: int
    commit: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GateTiming:
    """Seconds of one window's parts; ``first_settle_s`` is for the first load of a fresh start."""

    first_settle_s: float
    settle_s: float
    closed_s: float
    open_s: float
    scaling_s: float
    drain_limit_s: float


@dataclass(frozen=True, kw_only=True)
class GatePlan:
    """Everything that decides, fixed before anything is started.

    ``looks`` are numbers of pairs after which they are judged, ``block_looks`` those of blocks.
    ``margins`` are ratios. ``cores`` are those that replicas run on: a pair shares one, and there
    are as many pairs at a time as cores.
    """

    seed: int
    workers: tuple[str, ...]
    workload: str
    path: str
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

    @property
    def tests(self) -> int:
        """How many tests share the error of ``regressed``: endpoints, and failures of any worker.

        Failures are one more for each worker model, though they are counted together.
        """
        return len(self.workers) * (len(self.margins) + 1)

    @property
    def scaling(self) -> bool:
        """Whether the doubling factor is compared too."""
        return EndpointName.SCALING in self.margins


# -- what was measured ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one side did in one window; None where it cannot be told.

    ``completed`` and ``failed`` count requests that ended in a closed window or hung in it, and
    those that were due in an open one.
    ``quantiles_ms`` stand for the times of an open window's requests (``medians``).
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


@dataclass(frozen=True, kw_only=True)
class PairWindow:
    """Both sides over the same window, on the same core; ``rate_rps`` of an open one's arrivals."""

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
    """One start of each side, loaded side by side; the unit of the statistics."""

    worker: str
    number: int
    base_start: str
    head_start: str
    at_s: float
    wall_s: float
    windows: tuple[PairWindow, ...]


@dataclass(frozen=True, kw_only=True)
class ScalingWindow:
    """One side alone with one or two replicas behind the proxy."""

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
    """{base, head} × {1, 2 replicas} in turns: one doubling factor of each side."""

    worker: str
    number: int
    at_s: float
    wall_s: float
    windows: tuple[ScalingWindow, ...]


@dataclass(frozen=True, kw_only=True)
class WorkerLoad:
    """The load of one worker model: users for each replica, and the open loop's first arrival rate.

    ``gain_ratio`` is what the last doubling of the users gained.
    """

    worker: str
    users: int
    rate_rps: float
    gain_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class SideProbe:
    """One try of one check of answers, on two replicas of a side."""

    side: SideName
    result: ProbeResult


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that was measured; what is appended later comes behind it."""

    loads: tuple[WorkerLoad, ...] = ()
    pairs: tuple[StartPair, ...] = ()
    blocks: tuple[ScalingBlock, ...] = ()
    probes: tuple[SideProbe, ...] = ()
    replaced: tuple[str, ...] = ()
    """Members that were not the same from first to last: restarted, killed or gone."""
    sessions: int = 1
    """How many times it was measured; every ``--append`` is one more."""


# -- what follows from it ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class EndpointResult:
    """One endpoint of one worker model against its margin.

    ``change`` is that of the performance as a ratio (−0.05: 5 % worse). Its ``low`` is the
    one-sided bound that has to lie above ``-margin`` for ``pass`` (error ``beta`` of this look),
    its ``high`` the one that has to lie below 0 for ``regressed`` (error ``alpha`` of this look and
    endpoint), so the interval decides by itself. ``base`` and ``head`` are geometric means in the
    endpoint's unit. ``visible`` is the smallest loss that would have been called a regression in 19
    of 20 gates like this one.
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
    """A rule that is broken (or, with ``warning``, only worth knowing), with its figures."""

    code: RuleCode
    detail: str
    warning: bool = False


@dataclass(frozen=True, kw_only=True)
class GateFacts:
    """What identifies a gate and says how long it took; not worked out, only noted."""

    gate_id: str
    started_at: str
    command: str
    wall_s: float
    finished: bool
    differences: tuple[str, ...] = ()
    """What differs between the two sides, as far as it can be told without running them."""


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """A whole gate: ``verdict.json``, and everything that a report says."""

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
