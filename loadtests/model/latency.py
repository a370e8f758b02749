"""Records of latency under load: the objective, the plan and the results.

Open-loop trials send each request when it is due, whatever is still in flight. So a stalled server
does not delay later requests (coordinated omission: Gil Tene, *How NOT to Measure Latency*, 2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Judged = Literal["scales", "falls_short", "no_gain", "inconclusive", "invalid"]
"""The verdicts of ``model.vocabulary.Verdict`` that a doubling under an objective can have."""

LevelState = Literal["valid", "invalid", "missing"]
"""Whether a level shows the system's latency, shows the generator's own, or was not measured."""

StepOutcome = Literal["kept", "broken", "undecided", "invalid"]
"""Whether an objective was met at a rate, with 95 % confidence; or not validly measured."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A latency objective: ``percent`` of all due requests are answered within ``limit_ms``."""

    percent: float
    limit_ms: float

    def __str__(self) -> str:
        return f"p{self.percent:g}={self.limit_ms:g}ms"


@dataclass(frozen=True, kw_only=True)
class LatencyPlan:
    """The open-loop trials that follow the rounds.

    Each of ``rounds`` rounds has every cell at every share of its measured capacity once, in random
    order, with the same rotation of replicas as the closed-loop rounds. For an objective, each step
    of the search takes ``step_windows`` windows of every cell, in at most ``steps_max`` steps.
    """

    shares: tuple[float, ...]
    rounds: int
    settle_s: float
    window_s: float
    objective: Objective | None
    step_windows: int
    steps_max: int
    expected_s: float
    """The longest time that all of it takes."""


@dataclass(frozen=True, kw_only=True)
class Quantile:
    """A percentile over all requests of a level, with its 95 % interval by rounds.

    ``ms`` is None where the percentile falls among the requests without a good answer. ``high_ms``
    is None where there were too few requests for an upper bound.
    """

    ms: float | None
    low_ms: float | None
    high_ms: float | None


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """The percentiles 50, 90, 99 and 99.9 of one kind of time."""

    p50: Quantile
    p90: Quantile
    p99: Quantile
    p999: Quantile


@dataclass(frozen=True, kw_only=True)
class LevelResult:
    """The latency of a cell at one rate.

    ``share_ratio`` is the rate as a share of the cell's closed-loop capacity. ``response`` is the
    time from when a request was due, ``service`` from when it was sent. Of the ``requests`` due in
    the windows, ``dropped`` could not be sent and ``failed`` got no good answer. Both count as
    slower than every answer. ``late_p99_ms`` is the generator's delay from due to sent (99th
    percentile, median over rounds).
    """

    share_ratio: float
    rate_rps: float
    offered_rps: float | None
    rounds: int
    requests: int
    dropped: int
    failed: int
    response: Percentiles
    service: Percentiles
    late_p99_ms: float | None
    state: LevelState
    reason: str


@dataclass(frozen=True, kw_only=True)
class LatencyResult:
    """The latency of one cell under load; an entry of ``latency`` in ``run.json``.

    ``closed_p50_ms`` and ``closed_p99_ms`` are the closed loop's percentiles at capacity. Its users
    wait while a server stalls, so they hide stalls.
    """

    worker: str
    workload: str
    replicas: int
    capacity_rps: float | None
    closed_p50_ms: float | None
    closed_p99_ms: float | None
    levels: tuple[LevelResult, ...]


@dataclass(frozen=True, kw_only=True)
class SloStep:
    """One rate that the search tried, and how many due requests were late or not answered well.

    ``late_low_ratio`` to ``late_high_ratio`` is the 95 % interval of that share, by windows.
    """

    rate_rps: float
    windows: int
    requests: int
    late: int
    late_low_ratio: float | None
    late_high_ratio: float | None
    outcome: StepOutcome
    reason: str


@dataclass(frozen=True, kw_only=True)
class SloResult:
    """The highest rate at which a cell meets the objective; an entry of ``slo`` in ``run.json``.

    It lies between ``low_rps``, the highest rate that met the objective, and ``high_rps``, the
    lowest above it that missed it. Where none missed it, ``high_rps`` is the cell's capacity.
    ``estimate_rps`` is their geometric mean. ``decided`` says how the bracket came about.
    """

    worker: str
    workload: str
    replicas: int
    objective: str
    percent: float
    limit_ms: float
    capacity_rps: float | None
    estimate_rps: float | None
    low_rps: float | None
    high_rps: float | None
    decided: str
    steps: tuple[SloStep, ...]


@dataclass(frozen=True, kw_only=True)
class SloDoubling:
    """Whether twice the replicas meet the objective at twice the rate.

    ``low`` and ``high`` are ratios of the ends of the two brackets. The true factor lies between
    them if both true rates lie in their brackets.
    """

    worker: str
    workload: str
    replicas_from: int
    replicas_to: int
    factor: float | None
    low: float | None
    high: float | None
    verdict: Judged
    reason: str

    def __str__(self) -> str:
        return f"{self.worker} {self.workload} {self.replicas_from}→{self.replicas_to}"


@dataclass(frozen=True, kw_only=True)
class FileCeiling:
    """What a user's locustfile costs the generator, measured against a static answer.

    ``cpu_ms_per_request`` is the CPU of one generator process for each request, with the file's own
    code.
    """

    workload: str
    file: str
    cpu_ms_per_request: float

    @property
    def process_rps(self) -> float:
        """The most requests per second from one process, which has one core at most."""
        return 1000 / self.cpu_ms_per_request


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """The generator's highest rate on a static answer of the proxy of this stack.

    ``cpu_ratio`` is the share of a core that its busiest process used. ``lag_p99_ms`` is how late
    its timer fired (99th percentile).
    """

    throughput_rps: float
    cpu_ratio: float
    users: int
    window_s: float
    processes: int
    lag_p99_ms: float = 0.0
    lost_workers: int = 0
