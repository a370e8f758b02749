"""Renders ``junit.xml`` of a gate: each endpoint is a test. PURE.

``regressed`` is a failure, ``inconclusive`` is skipped. In an invalid gate, every test is an error.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from loadtests.gate.model.result import EndpointResult, GateResult
from loadtests.gate.model.vocabulary import GateVerdict
from loadtests.gate.report import wording
from loadtests.report.formats import junit

OUTCOMES = {
    GateVerdict.REGRESSED: "failure",
    GateVerdict.INCONCLUSIVE: "skipped",
    GateVerdict.INVALID: "error",
}


def render(result: GateResult) -> str:
    """Return the text of ``junit.xml``."""
    invalid = result.verdict is GateVerdict.INVALID
    outcomes = [
        "error" if invalid else OUTCOMES.get(endpoint.verdict) for endpoint in result.endpoints
    ]
    facts = result.facts
    suites, suite = junit.new_suite(
        "twofold gate", outcomes, started_at=facts.started_at, wall_s=facts.wall_s
    )
    for endpoint, outcome in zip(result.endpoints, outcomes, strict=True):
        _testcase(suite, endpoint, outcome, result)
    return junit.text(suites)


def _testcase(
    suite: ET.Element, endpoint: EndpointResult, outcome: str | None, result: GateResult
) -> None:
    title = wording.title(endpoint.worker, result).replace(".", "_")
    classname = f"twofold.gate.{title}.{result.plan.workload}"
    case = junit.add_testcase(suite, classname, endpoint.endpoint)
    junit.add_properties(
        case,
        {
            "change": endpoint.change.estimate,
            "low": endpoint.change.low,
            "high": endpoint.change.high,
            "margin": endpoint.margin,
            "starts": endpoint.units,
        },
    )
    if outcome:
        message = result.reason if outcome == "error" else endpoint.reason
        ET.SubElement(case, outcome, {"message": junit.legal(message), "type": outcome})
