"""``junit.xml``: every doubling as a test, for the CI systems that read it.

PURE. A doubling that does not scale is a failure, an inconclusive one is skipped, and an invalid
one is an error. The figures are properties, not rounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    facts = result.facts
    suites, suite = new_suite("twofold", outcomes, started_at=facts.started_at, wall_s=facts.wall_s)
    add_properties(suite, _run_properties(result))
    for doubling in result.doublings:
        _testcase(suite, doubling)
    return text(suites)


# -- what a gate's file is made of too --------------------------------------------------------


def new_suite(
    name: str, outcomes: Sequence[str | None], *, started_at: str, wall_s: float
) -> tuple[ET.Element, ET.Element]:
    """Return the root and its one test suite; ``outcomes`` are ``OUTCOMES``, None: passed."""
    counts = {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
        "time": f"{wall_s:.3f}",
    }
    suites = ET.Element("testsuites", counts)
    about = {"name": name, "timestamp": legal(started_at)}
    return suites, ET.SubElement(suites, "testsuite", about | counts)


def add_testcase(suite: ET.Element, classname: str, name: str) -> ET.Element:
    """Add a test to a suite, and return it."""
    return ET.SubElement(suite, "testcase", {"classname": legal(classname), "name": legal(name)})


def add_properties(parent: ET.Element, values: Mapping[str, object]) -> None:
    """Add the known values as properties; what is not known is left out."""
    element = ET.SubElement(parent, "properties")
    for name, value in values.items():
        if value is not None:
            ET.SubElement(element, "property", {"name": name, "value": legal(str(value))})


def text(suites: ET.Element) -> str:
    """Return the whole file."""
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def legal(raw: str) -> str:
    """Return text without the characters that XML cannot hold."""
    return NOT_IN_XML.sub("\ufffd", raw)


# -- a run's own --------------------------------------------------------------------------------


def _testcase(suite: ET.Element, doubling: DoublingResult) -> None:
    classname = f"twofold.{doubling.worker}.{doubling.workload}"
    case = add_testcase(suite, classname, str(doubling))
    add_properties(
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
