"""What came out of a gate: verdicts on the endpoints and on the change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.plan import GatePlan, Side
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict
from loadtests.model.machine import Machine
from loadtests.model.profiles.functions import FunctionChanges
from loadtests.model.result import Estimate
from loadtests.model.vocabulary import RuleCode


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
