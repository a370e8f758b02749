"""Which files a run's result is written to, and in which formats it can be had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from loadtests.model.result import RunResult
from loadtests.model.trial import Trial
from loadtests.report.formats import csv_tables, html, junit, markdown, openmetrics, run_json
from loadtests.results.run_folder import Store

Render = Callable[[RunResult, Sequence[Trial]], str]

REPORT = "report.html"

FILES: dict[str, tuple[str, Render]] = {
    "json": ("run.json", lambda result, _: run_json.render(result)),
    "html": (REPORT, lambda result, trials: html.render(result, trials, live=False)),
    "markdown": ("report.md", lambda result, _: markdown.render(result)),
    "junit": ("junit.xml", lambda result, _: junit.render(result)),
    "openmetrics": ("metrics.om", lambda result, _: openmetrics.render(result)),
    "csv-cells": ("cells.csv", lambda result, _: csv_tables.cells(result)),
    "csv-doublings": ("doublings.csv", lambda result, _: csv_tables.doublings(result)),
    "csv-latency": ("latency.csv", lambda result, _: csv_tables.latency(result)),
    "csv-slo": ("slo.csv", lambda result, _: csv_tables.slo(result)),
    "csv-trials": ("trials.csv", lambda _, trials: csv_tables.trials(trials)),
}
"""Name of the format → file name, and how it is made from a result and its trials."""


def write_all(kept: Store, result: RunResult, trials: Sequence[Trial]) -> tuple[Path, ...]:
    """Write ``run.json`` and every report into the run's folder; give their paths.

    A table without a row, such as that of the latency where none was measured, is not written.
    """
    rendered = ((name, render(result, trials)) for name, render in FILES.values())
    return tuple(kept.write(name, text) for name, text in rendered if text)


def write_live(kept: Store, result: RunResult, trials: Sequence[Trial]) -> Path:
    """Write the report of a run that goes on; the page reads itself again until the last one."""
    return kept.write(REPORT, html.render(result, trials, live=True))
