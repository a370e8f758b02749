"""``junit.xml`` of a gate: every endpoint as a test. PURE.

Regressed is a failure, inconclusive is skipped, invalid is an error: then every test is one.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from loadtests.gate.model import EndpointResult, GateResult, GateVerdict
from loadtests.report.formats.junit import legal

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
    counts = {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
        "time": f"{result.facts.wall_s:.3f}",
    }
    suites = ET.Element("testsuites", counts)
    about = {"name": "twofold gate", "timestamp": legal(result.facts.started_at)}
    suite = ET.SubElement(suites, "testsuite", about | counts)
    for endpoint, outcome in zip(result.endpoints, outcomes, strict=True):
        _testcase(suite, endpoint, outcome, result)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _testcase(
    suite: ET.Element, endpoint: EndpointResult, outcome: str | None, result: GateResult
) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": legal(f"twofold.gate.{endpoint.worker}.{result.plan.workload}"),
            "name": endpoint.endpoint,
        },
    )
    properties = ET.SubElement(case, "properties")
    values = {
        "change": endpoint.change.estimate,
        "low": endpoint.change.low,
        "high": endpoint.change.high,
        "margin": endpoint.margin,
        "starts": endpoint.units,
    }
    for name, value in values.items():
        if value is not None:
            ET.SubElement(properties, "property", {"name": name, "value": str(value)})
    if outcome:
        message = result.reason if outcome == "error" else endpoint.reason
        ET.SubElement(case, outcome, {"message": legal(message), "type": outcome})
