"""Which files a gate's result is written to, and what a CI system is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from loadtests.gate.analysis import history
from loadtests.gate.model import GateResult
from loadtests.gate.report import github, html, junit, markdown, verdict_json
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.results.run_folder import Store

VERDICT = "verdict.json"
REPORT = "report.html"
HISTORY = "history.jsonl"

FILES: dict[str, Callable[[GateResult], str]] = {
    VERDICT: verdict_json.render,
    REPORT: html.render,
    "report.md": markdown.render,
    "junit.xml": junit.render,
}


def write_all(kept: Store, result: GateResult) -> None:
    """Write every file of a gate into its folder."""
    for name, render in FILES.items():
        kept.write(name, render(result))


def add_to_history(results: Path, result: GateResult, *, release: str | None) -> None:
    """Add a gate to the history of all merges."""
    path = results / HISTORY
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(history.line(history.merge_of(result, release=release)))
    except OSError as error:
        raise EnvironmentFailure(
            f"{path} cannot be written ({error.strerror}). Make room, or name another folder:"
            " --out DIR."
        ) from error


def read_history(results: Path) -> tuple[history.Merge, ...]:
    """Read the history; raise where there is none, or where it is none."""
    path = results / HISTORY
    try:
        return history.read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}). Gates are added to it with --history."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"{path} has a line that is no gate of this version ({first['msg']}). Use the version"
            " that wrote it, or take the line out."
        ) from error


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
