"""Prints the result of a run, for ``run`` and ``report``."""

from __future__ import annotations

from pathlib import Path

from loadtests.analysis.until import HowFar
from loadtests.cli import output
from loadtests.model.result import RunResult
from loadtests.report.formats import github_answer, markdown, run_json, terminal
from loadtests.report.formats.registry import REPORT
from loadtests.results import github_job


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


def tell_ci(result: RunResult) -> None:
    """In a job of GitHub, add an annotation to the log, and the report to the job's summary."""
    told = github_job.tell(lambda: github_answer.render(result), lambda: markdown.render(result))
    output.write_document(told, err=True)


def tell_ci_how_far(answer: HowFar) -> None:
    """In a job of GitHub, do the same with the answer of ``run --until``."""
    told = github_job.tell(
        lambda: github_answer.render_how_far(answer), lambda: markdown.render_how_far(answer)
    )
    output.write_document(told, err=True)
