"""``junit.xml``: every doubling as a test, for the CI systems that read it.

PURE. A doubling that does not scale is a failure, an inconclusive one is skipped, and an invalid
one is an error. The figures are properties, not rounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from loadtests.model.result import DoublingResult, RunResult
from loadtests.model.vocabulary import Verdict
from loadtests.report.text import story

NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 does not allow (section 2.2)."""

OUTCOMES = {
    Verdict.FALLS_SHORT: "failure",
    Verdict.NO_GAIN: "failure",
    Verdict.BREAKS: "failure",
    Verdict.INCONCLUSIVE: "skipped",
    Verdict.INVALID: "error",
}


def render(result: RunResult) -> str:
    """Return the text of ``junit.xml``."""
    outcomes = [OUTCOMES.get(doubling.verdict) for doubling in result.doublings]
    counts = {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
        "time": f"{result.facts.wall_s:.3f}",
    }
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(
        suites,
        "testsuite",
        {"name": "twofold", "timestamp": legal(result.facts.started_at)} | counts,
    )
    _properties(suite, _run_properties(result))
    for doubling in result.doublings:
        _testcase(suite, doubling)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def legal(text: str) -> str:
    """Return text without the characters that XML cannot hold."""
    return NOT_IN_XML.sub("\ufffd", text)


def _testcase(suite: ET.Element, doubling: DoublingResult) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": legal(f"twofold.{doubling.worker}.{doubling.workload}"),
            "name": legal(str(doubling)),
        },
    )
    _properties(
        case,
        {
            "factor": doubling.factor.estimate,
            "low": doubling.factor.low,
            "high": doubling.factor.high,
            "rounds": doubling.rounds,
            "verdict": doubling.verdict,
        },
    )
    if outcome := OUTCOMES.get(doubling.verdict):
        message = (
            f"{story.VERDICTS[doubling.verdict]}: {story.with_factor(doubling)}. {doubling.reason}"
        )
        ET.SubElement(case, outcome, {"message": legal(message), "type": doubling.verdict})


def _run_properties(result: RunResult) -> dict[str, object]:
    return {
        "run_id": result.facts.run_id,
        "verdict": result.verdict,
        "reason": result.reason,
        "backend": result.plan.backend,
        "seed": result.plan.seed,
        "rounds": result.rounds,
        "target": result.plan.target,
        "cores": result.machine.cores,
        "command": result.facts.command,
    }


def _properties(parent: ET.Element, values: Mapping[str, object]) -> None:
    """Add the known values as properties; what is not known is left out."""
    element = ET.SubElement(parent, "properties")
    for name, value in values.items():
        if value is not None:
            ET.SubElement(element, "property", {"name": name, "value": legal(str(value))})
