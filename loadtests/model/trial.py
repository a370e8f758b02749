"""What was measured: trials and the calibration of users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.model.plan import TrialSpec
from loadtests.model.vocabulary import Role


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
class RequestDistribution:
    """What each replica got and gave in one trial.

    ``counts``: its requests of the whole trial (settling, window, drain); ``unnamed``: requests of
    which nobody said who had them; ``silences_ms``: the longest time inside the window in which it
    answered nothing.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    unnamed: int = 0
    silences_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def spread(self) -> int:
        """By how many requests the replica that got most is ahead of the one that got fewest."""
        return max(self.counts.values()) - min(self.counts.values()) if self.counts else 0


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
    dealing: RequestDistribution | None = None
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
