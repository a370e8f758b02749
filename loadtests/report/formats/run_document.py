"""The document ``run.json``, as data: its keys, their types and what they mean. PURE.

It is a part of the contract: keys are added, and none changes (``docs/reference/run-json.md``).
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from loadtests.analysis.losses import Loss
from loadtests.model.consistency import ProbeResult
from loadtests.model.failures import FailureResult
from loadtests.model.latency import Ceiling, LatencyResult, SloResult
from loadtests.model.machine import Machine
from loadtests.model.plan import Cell, Plan
from loadtests.model.profiles.results import ProfileFinding, ProfileResult
from loadtests.model.result import Estimate, Finding, LawResult, RequestResult, ResourceUse
from loadtests.model.tested.in_force import InForce
from loadtests.model.trial import Calibration
from loadtests.model.vocabulary import Bottleneck, RuleCode, Verdict


class Entry(BaseModel):
    """A part of the document; keys that it does not know are ignored."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, allow_inf_nan=False)


class CellEntry(Entry):
    """The result of one cell over all rounds."""

    worker: str
    workload: str
    replicas: int
    trials: int
    users: int
    throughput_rps: Estimate = Field(description="successful requests per second")
    speedup: Estimate = Field(description="S(n) = X(n)/X(1), paired by rounds")
    efficiency_ratio: float | None = Field(description="S(n)/n")
    p50_ms: float | None = Field(description="median over the rounds of each round's median")
    p90_ms: float | None
    p99_ms: float | None
    cpu_us_per_request: float | None = Field(description="CPU of all replicas over their answers")
    cpu_got_cpus: float | None = Field(description="CPU-seconds per second of all replicas")
    memory_bytes: float | None = Field(default=None, description="of all replicas together")
    error_ratio: float | None
    bottleneck: Bottleneck
    bottleneck_detail: str
    resources: tuple[ResourceUse, ...] = ()
    replica_rps: Mapping[str, float] = Field(default_factory=dict)
    ceiling_ratio: float | None = Field(
        default=None, description="throughput over the generator's ceiling"
    )


class DoublingEntry(Entry):
    """D(n) = X(2n)/X(n) with its 95 % interval and its verdict."""

    worker: str
    workload: str
    replicas_from: int = Field(alias="from")
    replicas_to: int = Field(alias="to")
    rounds: int
    factor: float | None
    low: float | None
    high: float | None
    half_width_ratio: float | None = Field(description="√(high/low) − 1")
    machine_share_ratio: float = Field(
        default=0.0,
        description="by how much the interval reaches beyond chance, for what may be the shared"
        " cores': up where it is above 0, else down",
    )
    cpu_got_factor: float | None
    cpu_per_request_factor: float | None
    verdict: Verdict
    reason: str
    settle_minutes: float | None = Field(description="measuring that would probably decide it")
    losses: tuple[Loss, ...] = Field(
        default=(), description="the parts whose product is 2 ÷ factor, the largest first"
    )


class SloDoublingEntry(Entry):
    """The ratio of the rates that meet the objective, with twice the replicas."""

    worker: str
    workload: str
    replicas_from: int = Field(alias="from")
    replicas_to: int = Field(alias="to")
    factor: float | None
    low: float | None = Field(description="ratio of the brackets' ends, not a 95 % interval")
    high: float | None
    verdict: str
    reason: str


class ComparisonEntry(Entry):
    """Throughput of one worker model over another's, at equal replicas."""

    workload: str
    replicas: int
    worker: str
    against: str
    ratio: float | None
    low: float | None
    high: float | None
    all_pairs_ratio: Estimate | None = Field(
        default=None,
        description="the same with an interval that holds together with those of all pairs of this"
        " workload and number of replicas",
    )
    per_core_ratio: Estimate | None = Field(
        default=None, description="the same for requests per CPU-second"
    )


class InvalidEntry(Entry):
    """A broken rule; ``cell`` is null where it holds for the whole run."""

    code: RuleCode
    cell: Cell | None
    detail: str


class RunDocument(Entry):
    """The whole of ``run.json``."""

    schema_version: int
    run_id: str
    backend: str
    verdict: Verdict
    reason: str
    seed: int
    started_at: str
    command: str
    finished: bool
    machine: Machine
    wall_s: float
    measuring_s: float = Field(description="wall time of the measuring phase")
    measured_s: float = Field(description="time inside windows")
    rounds: int = Field(description="complete rounds")
    cells: tuple[CellEntry, ...]
    doublings: tuple[DoublingEntry, ...]
    comparisons: tuple[ComparisonEntry, ...]
    laws: tuple[LawResult, ...]
    invalid: tuple[InvalidEntry, ...]
    rules: tuple[Finding, ...] = Field(description="every rule's findings, with those that hold")
    calibrations: tuple[Calibration, ...]
    probes: tuple[ProbeResult, ...] = Field(
        default=(), description="the consistency checks of each worker model"
    )
    failures: tuple[FailureResult, ...] = Field(
        default=(), description="how the failures of each request change with the replicas"
    )
    versions: Mapping[str, str]
    next: tuple[str, ...] = Field(default=(), description="what to do next, in sentences")
    notes: tuple[str, ...] = Field(
        default=(), description="what was changed, ignored or added, in sentences"
    )
    plan: Plan
    ceiling: Ceiling | None = Field(
        default=None, description="the generator's highest rate on a static answer of the proxy"
    )
    latency: tuple[LatencyResult, ...] = Field(
        default=(), description="open-loop latency of each cell at shares of its capacity"
    )
    slo: tuple[SloResult, ...] = Field(
        default=(), description="the highest rate at which each cell meets the objective"
    )
    slo_doublings: tuple[SloDoublingEntry, ...] = ()
    in_force: tuple[InForce, ...] = Field(
        default=(), description="what served each worker model, as it was seen"
    )
    requests: tuple[RequestResult, ...] = Field(
        default=(), description="the requests of each name in each cell, the commonest first"
    )
    profiles: tuple[ProfileResult, ...] = Field(
        default=(), description="where the requests of a cell spend their time, by line of code"
    )
    profile_findings: tuple[ProfileFinding, ...] = Field(
        default=(), description="the line that tells most of each worker model and workload"
    )
