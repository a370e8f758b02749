"""Every format says the numbers of run.json, on runs of every kind."""

import csv
import io
import json
import re
from functools import cached_property
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest
from jsonschema.protocols import Validator
from junitparser import JUnitXml, Properties
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from rich.console import Console

from loadtests.model.result import Estimate
from loadtests.report import rounding
from loadtests.report.formats import (
    csv_tables,
    html,
    junit,
    markdown,
    openmetrics,
    run_json,
    terminal,
)
from loadtests.report.text import story
from tests.checkout import CHECKOUT
from tests.loadtests.report.generated import generated_run

ALL = range(200)
SLOW = (pytest.mark.slow, pytest.mark.parallel)
RUNS = [pytest.param(number, marks=SLOW if number >= 8 else ()) for number in ALL]
"""Of the fast tests only the first few: all of them take a minute."""

SCHEMA = CHECKOUT / "docs/reference/run.schema.json"
NOT_A_NUMBER = re.compile(r"(?<![\w])(nan|inf|-inf|infinity)(?![\w])", re.IGNORECASE)

Row = dict[str, Any]


class Tables(HTMLParser):
    """The texts of all tables of a page, by the name of the region around them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self._region = ""
        self._svgs = 0
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._svgs += tag == "svg"
        if tag == "section":
            self._region = ""
        elif tag == "div" and found.get("role") == "region":
            self._region = found.get("aria-label") or ""
        elif tag == "tr":
            self.rows.setdefault(self._region, []).append([])
        elif tag in {"td", "th"}:
            self._in_cell = True
            self.rows[self._region][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._svgs -= tag == "svg"
        self._in_cell = self._in_cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._in_cell and not self._svgs:
            self.rows[self._region][-1][-1] += data


def estimate(entry: Row, name: str = "estimate") -> Estimate:
    return Estimate(estimate=entry[name], low=entry["low"], high=entry["high"])


class Run:
    """A generated run, and what two tests or more ask of it."""

    def __init__(self, number: int) -> None:
        self.result, self.trials = generated_run(number)

    @cached_property
    def json(self) -> str:
        return run_json.render(self.result)

    @cached_property
    def found(self) -> Any:
        return json.loads(self.json)

    @cached_property
    def page(self) -> dict[str, list[list[str]]]:
        return Tables(html.render(self.result, self.trials, live=False)).rows


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest) -> Run:
    """Each run in turn; the module's scope lets all tests of one run follow one another."""
    return Run(request.param)


@pytest.fixture(scope="module")
def validator() -> Validator:
    schema = json.loads(SCHEMA.read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def test_the_published_schema_is_current() -> None:
    assert SCHEMA.read_text() == run_json.schema(), (
        "run.json changed: write docs/reference/run.schema.json anew from run_json.schema()"
    )


def test_run_json_keeps_to_its_schema_and_can_be_read_back(run: Run, validator: Validator) -> None:
    validator.validate(run.found)
    assert run_json.parse(run.json) == run.result


def test_the_page_says_the_numbers_of_run_json(run: Run) -> None:
    found, page = run.found, run.page

    assert [row[1:] for row in page["Cells"][1:]] == [page_cell(each) for each in found["cells"]]
    assert [[row[2], row[4], row[5]] for row in page.get("Doubling factors", [[]])[1:]] == [
        [
            rounding.interval(estimate(each, "factor"), rounding.factor),
            rounding.factor(each["cpu_got_factor"]),
            rounding.factor(each["cpu_per_request_factor"]),
        ]
        for each in found["doublings"]
    ]
    compared = [
        (row[0], row[1], row[3])
        for name, rows in page.items()
        if name.startswith("Worker models compared")
        for row in rows[1:]
    ]
    assert sorted(compared) == sorted(
        (
            f"{each['worker']} ÷ {each['against']}",
            str(each["replicas"]),
            rounding.interval(Estimate(**each["all_pairs_ratio"]), rounding.factor),
        )
        for each in found["comparisons"]
    )


def test_the_page_says_the_laws_of_run_json(run: Run) -> None:
    found, page = run.found, run.page

    laws = [] if found["invalid"] else found["laws"]
    assert [row[:5] for row in page.get("Fitted laws", [[]])[1:]] == [
        [
            f"{each['worker']} {each['workload']}",
            "USL" if each["name"] == "usl" else "Amdahl",
            rounding.percents(estimate(each["sigma"], "estimate")),
            rounding.interval(estimate(each["kappa"]), rounding.small) if each["kappa"] else "–",
            rounding.figure(each["bound"])
            if each["bound"]
            else "no bound"
            if each["extrapolates"]
            else "not known",
        ]
        for each in laws
    ]


def page_cell(each: Row) -> list[str]:
    return [
        rounding.figures(estimate(each["throughput_rps"])),
        rounding.interval(estimate(each["speedup"]), rounding.factor),
        rounding.percent(each["efficiency_ratio"]),
        rounding.figure(each["p50_ms"]),
        rounding.figure(each["p90_ms"]),
        rounding.figure(each["p99_ms"]),
        rounding.figure(each["cpu_us_per_request"]),
        rounding.percent(each["error_ratio"]),
        str(each["users"]),
        str(each["trials"]),
    ]


def test_markdown_says_the_numbers_of_run_json(run: Run) -> None:
    found, result = run.found, run.result

    rows = re.findall(r"^\| (.*) \|$", markdown.render(result), re.MULTILINE)
    texts = [re.split(r"(?<!\\) \| ", row) for row in rows]

    assert [row[3:9] for row in texts if len(row) == len(markdown.CELL_COLUMNS)][2:] == [
        [
            markdown.escape(text)
            for text in (
                rounding.figures(estimate(each["throughput_rps"])),
                rounding.factor(each["speedup"]["estimate"]),
                rounding.percent(each["efficiency_ratio"]),
                rounding.figure(each["p50_ms"]),
                rounding.figure(each["p99_ms"]),
                rounding.figure(each["cpu_us_per_request"]),
            )
        ]
        for each in found["cells"]
    ]
    assert [row[1] for row in texts if len(row) == len(markdown.DOUBLING_COLUMNS)][2:] == [
        markdown.escape(rounding.interval(estimate(each, "factor"), rounding.factor))
        for each in found["doublings"]
    ]


def test_junit_holds_the_numbers_of_run_json(run: Run) -> None:
    found, result = run.found, run.result
    kinds = {"scales": [], "inconclusive": ["Skipped"], "invalid": ["Error"]}

    cases = [case for suite in JUnitXml.fromstring(junit.render(result).encode()) for case in suite]

    assert len(cases) == len(found["doublings"])
    for case, each in zip(cases, found["doublings"], strict=True):
        entries = case.child(Properties)  # type: ignore[no-untyped-call]
        properties = {entry.name: entry.value for entry in entries}
        for name in ("factor", "low", "high"):
            value = properties.get(name)
            assert (None if value is None else float(value)) == each[name]
        outcome = [type(entry).__name__ for entry in case.result]
        assert outcome == kinds.get(each["verdict"], ["Failure"])


def test_csv_holds_the_numbers_of_run_json(run: Run) -> None:
    found, result, trials = run.found, run.result, run.trials

    cells = list(csv.DictReader(io.StringIO(csv_tables.cells(result))))
    doublings = list(csv.DictReader(io.StringIO(csv_tables.doublings(result))))

    for row, each in zip(cells, found["cells"], strict=True):
        assert (row["worker"], row["workload"]) == (each["worker"], each["workload"])
        assert as_number(row["throughput_rps"]) == each["throughput_rps"]["estimate"]
        assert as_number(row["throughput_rps_high"]) == each["throughput_rps"]["high"]
        for name in ("p50_ms", "p99_ms", "cpu_us_per_request", "error_ratio", "memory_bytes"):
            assert as_number(row[name]) == each[name]
    for row, each in zip(doublings, found["doublings"], strict=True):
        assert as_number(row["factor"]) == each["factor"]
        assert as_number(row["factor_low"]) == each["low"]
    assert len(csv_tables.trials(trials).splitlines()) == (len(trials) + 1 if trials else 0)


def as_number(text: str) -> float | None:
    return float(text) if text else None


def test_openmetrics_hold_the_numbers_of_run_json(run: Run) -> None:
    found, result = run.found, run.result

    families = {
        family.name: family.samples
        for family in text_string_to_metric_families(  # type: ignore[no-untyped-call]
            openmetrics.render(result)
        )
    }

    rates = {
        (s.labels["worker"], s.labels["workload"], s.labels["replicas"], s.labels["bound"]): s.value
        for s in families["twofold_throughput_rps"]
    }
    assert rates == {
        (each["worker"], each["workload"], str(each["replicas"]), bound): value
        for each in found["cells"]
        for bound, value in each["throughput_rps"].items()
        if value is not None
    }
    assert sorted(sample.value for sample in families["twofold_doubling_factor"]) == sorted(
        value
        for each in found["doublings"]
        for value in (each["factor"], each["low"], each["high"])
        if value is not None
    )


def test_no_format_ever_says_nan(run: Run) -> None:
    result, trials = run.result, run.trials
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(terminal.render(result))
    console.print(terminal.compare(result))

    for text in (
        run.json,
        html.render(result, trials, live=True),
        markdown.render(result),
        junit.render(result),
        openmetrics.render(result),
        csv_tables.cells(result),
        csv_tables.doublings(result),
        csv_tables.trials(trials),
        console.export_text(),
    ):
        assert not NOT_A_NUMBER.search(text)


@pytest.mark.slow
@pytest.mark.parallel
def test_the_generated_runs_are_of_every_kind() -> None:
    results = [generated_run(number)[0] for number in ALL]

    assert {result.verdict for result in results} == set(story.VERDICTS)
    assert any(result.rounds == 1 for result in results)
    assert any(cell.cell.replicas == 16 for result in results for cell in result.cells)
    assert any(cell.throughput_rps.estimate == 0 for result in results for cell in result.cells)
    assert any(not result.facts.finished for result in results)
    assert any(law.name == "usl" for result in results for law in result.laws)
