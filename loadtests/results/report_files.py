"""Writes the reports of a run into its folder, in every format that is registered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loadtests.model.result import RunResult
from loadtests.model.trial import Trial
from loadtests.report.formats import html
from loadtests.report.formats.registry import FORMATS, REPORT
from loadtests.results.run_folder import Store


def write_all(kept: Store, result: RunResult, trials: Sequence[Trial]) -> tuple[Path, ...]:
    """Write ``run.json`` and every report into the run's folder; give their paths.

    A table without a row, such as that of the latency where none was measured, is not written.
    """
    rendered = ((form.file, form.render(result, trials)) for form in FORMATS.values())
    return tuple(kept.write(file, text) for file, text in rendered if text)


def write_live(kept: Store, result: RunResult, trials: Sequence[Trial]) -> Path:
    """Write the report of a run that goes on; the page reads itself again until the last one."""
    return kept.write(REPORT, html.render(result, trials, live=True))
