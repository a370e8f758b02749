"""``run.json``: a whole run for programs, and back.

PURE. The keys of the contract (``docs/reference/run-json.md``) are flat. The file also has all
other content of a report, so this file and the journal are enough to make every report again.
Numbers are not rounded, and what is not known is null, because strict JSON has no NaN.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loadtests.analysis.losses import Loss, split
from loadtests.model.consistency import ProbeResult
from loadtests.model.errors import UsageError
from loadtests.model.failures import FailureResult
from loadtests.model.latency import Ceiling, LatencyResult, SloDoubling, SloResult
from loadtests.model.machine import Machine
from loadtests.model.plan import Cell, Plan
from loadtests.model.profiles.results import ProfileFinding, ProfileResult, Profiles
from loadtests.model.result import (
    CellResult,
    ComparisonResult,
    DoublingResult,
    Estimate,
    Finding,
    LawResult,
    RequestResult,
    ResourceUse,
    RunFacts,
    RunResult,
)
from loadtests.model.tested.in_force import InForce
from loadtests.model.trial import Calibration
from loadtests.model.vocabulary import SCHEMA_VERSION, Bottleneck, RuleCode, Verdict
from loadtests.report.text import advice, changes

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


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


def render(result: RunResult) -> str:
    """Return the text of ``run.json``."""
    document = _document(result).model_dump(mode="json", by_alias=True)
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def parse(text: str) -> RunResult:
    """Return the result that a ``run.json`` holds.

    Raises :class:`~loadtests.model.errors.UsageError`, with every error of the file at once.
    """
    try:
        data = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise UsageError(f"This run.json is not strict JSON: {error}. Run again.") from error
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"This run.json has schema_version {version}; this Twofold reads {SCHEMA_VERSION}."
            " Use the version of Twofold that wrote it."
        )
    try:
        return _result(RunDocument.model_validate(data))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()
        )
        raise UsageError(
            f"This run.json does not follow the schema: {faults}."
            " Make it again: twofold report RUN."
        ) from error


def schema() -> str:
    """Return the JSON Schema of ``run.json``, as published in ``docs/reference``."""
    described: dict[str, Any] = {
        "$schema": SCHEMA_ID,
        **RunDocument.model_json_schema(mode="serialization", by_alias=True),
        "title": "Twofold run.json",
    }
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON")


def _document(result: RunResult) -> RunDocument:
    facts, plan = result.facts, result.plan
    return RunDocument(
        schema_version=SCHEMA_VERSION,
        **vars(facts),
        backend=plan.backend,
        verdict=result.verdict,
        reason=result.reason,
        seed=plan.seed,
        machine=result.machine,
        measured_s=result.measured_s,
        rounds=result.rounds,
        cells=tuple(_cell_entry(cell) for cell in result.cells),
        doublings=tuple(
            DoublingEntry(
                **vars(doubling) | _flat(doubling.factor, "factor"),
                losses=split(doubling, result.cells),
            )
            for doubling in result.doublings
        ),
        comparisons=tuple(
            ComparisonEntry(**vars(comparison) | _flat(comparison.ratio, "ratio"))
            for comparison in result.comparisons
        ),
        laws=result.laws,
        invalid=tuple(
            InvalidEntry(code=finding.code, cell=finding.cell, detail=finding.detail)
            for finding in result.broken
        ),
        rules=result.findings,
        calibrations=result.calibrations,
        probes=result.probes,
        failures=result.failures,
        next=tuple(advice.next_steps(result)),
        notes=tuple(changes.changes(result)),
        plan=plan,
        ceiling=result.ceiling,
        latency=result.latency,
        slo=result.slo,
        slo_doublings=tuple(SloDoublingEntry(**vars(slo)) for slo in result.slo_doublings),
        in_force=result.in_force,
        requests=result.requests,
        profiles=result.profiles.cells,
        profile_findings=result.profiles.findings,
    )


def _cell_entry(result: CellResult) -> CellEntry:
    flat = vars(result.cell) | vars(result)
    del flat["cell"]
    return CellEntry(**flat)


def _flat(estimate: Estimate, name: str) -> dict[str, float | None]:
    return {name: estimate.estimate, "low": estimate.low, "high": estimate.high}


def _result(document: RunDocument) -> RunResult:
    return RunResult(
        facts=RunFacts(**_fields(document, RunFacts)),
        machine=document.machine,
        plan=document.plan,
        verdict=document.verdict,
        reason=document.reason,
        rounds=document.rounds,
        measured_s=document.measured_s,
        cells=tuple(
            CellResult(cell=Cell(**_fields(entry, Cell)), **_fields(entry, CellResult))
            for entry in document.cells
        ),
        doublings=tuple(
            DoublingResult(
                **_fields(entry, DoublingResult) | {"factor": _estimate(entry, "factor")}
            )
            for entry in document.doublings
        ),
        comparisons=tuple(
            ComparisonResult(
                **_fields(entry, ComparisonResult) | {"ratio": _estimate(entry, "ratio")}
            )
            for entry in document.comparisons
        ),
        laws=document.laws,
        findings=document.rules,
        calibrations=document.calibrations,
        probes=document.probes,
        failures=document.failures,
        ceiling=document.ceiling,
        latency=document.latency,
        slo=document.slo,
        slo_doublings=tuple(
            SloDoubling(**_fields(entry, SloDoubling)) for entry in document.slo_doublings
        ),
        in_force=document.in_force,
        requests=document.requests,
        profiles=Profiles(cells=document.profiles, findings=document.profile_findings),
    )


def _fields(entry: Entry, record: type[Any]) -> dict[str, Any]:
    """Return the fields that an entry shares with a record."""
    names = {field.name for field in fields(record)}
    return {name: value for name, value in entry if name in names}


def _estimate(entry: DoublingEntry | ComparisonEntry, name: str) -> Estimate:
    return Estimate(estimate=getattr(entry, name), low=entry.low, high=entry.high)
