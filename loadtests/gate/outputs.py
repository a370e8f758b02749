"""Which files a gate's result is written to, and what a CI system is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from loadtests.errors import EnvironmentFailure
from loadtests.gate import github, junit, markdown, verdict_json
from loadtests.gate.model import GateResult
from loadtests.store import Store

VERDICT = "verdict.json"
REPORT = "report.md"

FILES: dict[str, Callable[[GateResult], str]] = {
    VERDICT: verdict_json.render,
    REPORT: markdown.render,
    "junit.xml": junit.render,
}


def write_all(kept: Store, result: GateResult) -> None:
    """Write every file of a gate into its folder."""
    for name, render in FILES.items():
        kept.write(name, render(result))


def tell_ci(result: GateResult) -> str:
    """Append the report to GitHub's job summary, and give what to print as annotations."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(markdown.render(result) + "\n")
        except OSError as error:
            raise EnvironmentFailure(
                f"The job's summary {summary} (GITHUB_STEP_SUMMARY) cannot be written"
                f" ({error.strerror}). The report is in the gate's folder."
            ) from error
    return github.render(result) if os.environ.get("GITHUB_ACTIONS") else ""
