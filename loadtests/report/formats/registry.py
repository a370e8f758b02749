"""The formats of a run's report: one line each. PURE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtests.model.result import RunResult
from loadtests.model.trial import Trial
from loadtests.report.formats import csv_tables, html, junit, markdown, openmetrics, run_json

Render = Callable[[RunResult, Sequence[Trial]], str]

REPORT = "report.html"
"""The page that a person opens."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format: what ``--format`` calls it, its file in the run's folder, and how it is made.

    ``render`` gives an empty text where there is nothing to write, such as a table without a row.
    """

    name: str
    file: str
    about: str
    render: Render


def _page(result: RunResult, trials: Sequence[Trial]) -> str:
    return html.render(result, trials, live=False)


def _of(render: Callable[[RunResult], str]) -> Render:
    return lambda result, _: render(result)


def _of_trials(render: Callable[[Sequence[Trial]], str]) -> Render:
    return lambda _, trials: render(trials)


_ALL = (
    Format(name="json", file="run.json", about="a program", render=_of(run_json.render)),
    Format(name="html", file=REPORT, about="a person", render=_page),
    Format(
        name="markdown",
        file="report.md",
        about="a comment on a change",
        render=_of(markdown.render),
    ),
    Format(name="junit", file="junit.xml", about="CI", render=_of(junit.render)),
    Format(
        name="openmetrics",
        file="metrics.om",
        about="Prometheus",
        render=_of(openmetrics.render),
    ),
    Format(
        name="csv-cells", file="cells.csv", about="a table of cells", render=_of(csv_tables.cells)
    ),
    Format(
        name="csv-doublings",
        file="doublings.csv",
        about="a table of doublings",
        render=_of(csv_tables.doublings),
    ),
    Format(
        name="csv-latency",
        file="latency.csv",
        about="a table of latencies",
        render=_of(csv_tables.latency),
    ),
    Format(
        name="csv-requests",
        file="requests.csv",
        about="a table of requests by name",
        render=_of(csv_tables.requests),
    ),
    Format(
        name="csv-slo", file="slo.csv", about="a table of capacities", render=_of(csv_tables.slo)
    ),
    Format(
        name="csv-trials",
        file="trials.csv",
        about="a table of trials",
        render=_of_trials(csv_tables.trials),
    ),
)

FORMATS: dict[str, Format] = {form.name: form for form in _ALL}
