"""What is asked and what is known of latency under load.

Open-loop trials send each request when it is due, whatever is still in flight, so a server that
stalls keeps nobody from asking (coordinated omission: Gil Tene, *How NOT to Measure Latency*,
2013). This module needs nothing of the package, so that ``loadtests.model`` can hold its records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Judged = Literal["scales", "falls_short", "no_gain", "inconclusive", "invalid"]
"""The verdicts of ``loadtests.model.Verdict`` that a doubling under an objective can have."""

LevelState = Literal["valid", "invalid", "missing"]
"""Whether a level's figures are those of the system, not of the generator; or there are none."""

StepOutcome = Literal["kept", "broken", "undecided", "invalid"]
"""Whether an objective was kept at a rate, beyond doubt; or not even measured."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What was promised: so many per cent of all due requests are answered within ``limit_ms``."""

    percent: float
    limit_ms: float

    def __str__(self) -> str:
        return f"p{self.percent:g}={self.limit_ms:g}ms"


@dataclass(frozen=True, kw_only=True)
class LatencyPlan:
    """The open-loop trials that follow the rounds.

    Each of ``rounds`` rounds has every cell at every share of its measured capacity once, in random
    order, with the replicas that the throughput's rounds rotate through. For an objective each step
    of the search takes ``step_windows`` windows of every cell; there are at most ``steps_max``.
    """

    shares: tuple[float, ...]
    rounds: int
    settle_s: float
    window_s: float
    objective: Objective | None
    step_windows: int
    steps_max: int
    expected_s: float
    """How long all of it takes at most."""


@dataclass(frozen=True, kw_only=True)
class Quantile:
    """A percentile over all requests of a level, with its 95 % interval by rounds.

    ``ms`` is None where so many requests had no good answer that it lies among them; ``high_ms``
    where there were too few requests to bound it from above.
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
    """What a cell's requests took at one rate.

    ``share_ratio`` is the rate as a share of the cell's closed-loop capacity. ``response`` counts
    from the moment at which a request was due, ``service`` from the one at which it was sent. Of
    the ``requests`` due in the windows ``dropped`` could not be sent and ``failed`` got no good
    answer; both count as slower than every answer. ``late_p99_ms`` is the generator's own part:
    from due to sent (99th percentile, median over rounds).
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

    ``closed_p50_ms`` and ``closed_p99_ms`` are what the closed loop says of the same cell at its
    capacity: its users wait while a server stalls, so it hides that.
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
    """One rate that was tried: how many of the due requests were too late, or had no good answer.

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
    """The highest rate at which a cell keeps the objective; an entry of ``slo`` in ``run.json``.

    It lies between ``low_rps``, the highest rate that kept the objective beyond doubt, and
    ``high_rps``, the lowest above it that did not (or the cell's capacity, above which no rate can
    last). ``estimate_rps`` is their geometric mean. ``decided`` says how the bracket came about.
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
    """Whether twice the replicas keep the objective at twice the rate.

    ``low`` and ``high`` are the ends of the two brackets divided: the truth lies between them if it
    lies in both brackets.
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
class Ceiling:
    """The most that the generator got out of the same proxy's static answer, in this very stack.

    ``cpu_ratio`` is the share of a core that its busiest process got for it, ``lag_p99_ms`` how
    late it acted.
    """

    throughput_rps: float
    cpu_ratio: float
    users: int
    window_s: float
    processes: int
    lag_p99_ms: float = 0.0
    lost_workers: int = 0
