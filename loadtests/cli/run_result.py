"""Prints the result of a run, for ``run`` and ``report``."""

from __future__ import annotations

from pathlib import Path

from loadtests.cli import output
from loadtests.model.result import RunResult
from loadtests.report.formats import run_json, terminal
from loadtests.report.formats.registry import REPORT


def tell(result: RunResult, folder: Path, *, as_json: bool, has_report: bool = True) -> None:
    """Write ``run.json`` or the text of a run to standard output.

    Without ``has_report``, the report in its folder is none of this result, or is not there.
    """
    output.tell(
        as_json=as_json,
        document=lambda: run_json.render(result),
        text=lambda: terminal.render(result),
        report=folder / REPORT if has_report else None,
    )
