"""``run.json``: a whole run for programs, and back.

PURE. The keys of the contract (``docs/reference/run-json.md``) are flat. The file also has all
other content of a report, so this file and the journal are enough to make every report again.
Numbers are not rounded, and what is not known is null, because strict JSON has no NaN.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, NoReturn

from pydantic import ValidationError

from loadtests.analysis.losses import split
from loadtests.model.errors import UsageError
from loadtests.model.latency import SloDoubling
from loadtests.model.plan import Cell
from loadtests.model.profiles.results import Profiles
from loadtests.model.result import (
    CellResult,
    ComparisonResult,
    DoublingResult,
    Estimate,
    RunFacts,
    RunResult,
)
from loadtests.model.vocabulary import SCHEMA_VERSION
from loadtests.report.formats.run_document import (
    CellEntry,
    ComparisonEntry,
    DoublingEntry,
    Entry,
    InvalidEntry,
    RunDocument,
    SloDoublingEntry,
)
from loadtests.report.text import advice, changes

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


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
