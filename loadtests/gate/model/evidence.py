"""What a gate measured: pairs of starts, scaling blocks and consistency checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.gate.model.vocabulary import Mode, SideName
from loadtests.model.consistency import ProbeResult
from loadtests.model.failures import AnswerCount
from loadtests.model.profiles.functions import FunctionProfile
from loadtests.model.tested.in_force import InForce
from loadtests.model.trial import RequestCount


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

    def of(self, side: SideName) -> Figures:
        """Return one version's figures."""
        return self.base if side is SideName.BASE else self.head


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

    def load_of(self, worker: str) -> WorkerLoad | None:
        """Return the load of a worker model; None before it was found."""
        return next((load for load in self.loads if load.worker == worker), None)

    def pairs_of(self, worker: str) -> tuple[StartPair, ...]:
        """Return the pairs of a worker model's starts."""
        return tuple(pair for pair in self.pairs if pair.worker == worker)

    def blocks_of(self, worker: str) -> tuple[ScalingBlock, ...]:
        """Return the scaling blocks of a worker model."""
        return tuple(block for block in self.blocks if block.worker == worker)
