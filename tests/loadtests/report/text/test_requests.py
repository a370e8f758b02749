"""The requests by name in every format that people read."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from loadtests.model.plan import Cell
from loadtests.model.result import RequestResult, RunResult
from loadtests.report.formats import csv_tables, html, markdown, run_json, terminal
from loadtests.report.text import requests
from tests.loadtests.builders import make_cell, make_plan, make_result, make_trials

LONG = "GET /api/v2/organisations/{id}/members/{id}/permissions?expand=groups&page={}&size={}&q={}"


def request(name: str, *, cell: Cell | None = None, **fields: Any) -> RequestResult:
    defaults: dict[str, Any] = {
        "requests": 4_000,
        "failed": 0,
        "share_ratio": 0.25,
        "throughput_rps": 12.5,
        "p50_ms": 20.4,
        "p99_ms": 110.0,
        "mean_bytes": 12_345.0,
    }
    return RequestResult(cell=cell or make_cell(), name=name, **defaults | fields)


def result_of(
    workloads: Sequence[str], names: Sequence[str], counts: Sequence[int] = (1, 2, 4), **more: Any
) -> RunResult:
    """Give a run whose workloads all have requests with these names."""
    plan = make_plan(workloads=workloads, replica_counts=counts)
    rows = tuple(
        request(name, cell=cell, throughput_rps=12.5 * cell.replicas, **more)
        for cell in plan.cells
        for name in names
    )
    return make_result(plan, make_trials(plan), requests=rows)


def printed(result: RunResult) -> list[str]:
    console = Console(width=80, file=io.StringIO(), color_system=None)
    console.print(terminal.render(result))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def shown(result: RunResult) -> list[str]:
    """Give the lines from the title of the first table to the empty line after it."""
    lines = printed(result)
    start = next(index for index, line in enumerate(lines) if line.startswith(requests.TITLE))
    return lines[start : lines.index("", start)]


def test_one_and_the_most_replicas_are_side_by_side_and_those_that_failed_come_first() -> None:
    plan = make_plan(replica_counts=(1, 2, 4))
    one, two, four = plan.cells
    result = make_result(
        plan,
        make_trials(plan),
        requests=(
            request("GET /", cell=one),
            request("POST /cart", cell=one, share_ratio=0.75),
            request("GET /", cell=two, throughput_rps=999.0),
            request("GET /", cell=four, throughput_rps=48.1, p99_ms=130.0),
            request("POST /cart", cell=four, failed=12, share_ratio=0.75, throughput_rps=50.0),
        ),
    )

    assert shown(result) == [
        "Requests by name: gthread cpu, ×1 and ×4",
        "   requests/s  share  p50 ms     p99 ms  failed  bytes",
        "POST /cart",
        "  12.5 → 50.0   75 %    20.4        110  0 → 12  12.3k",
        "GET /",
        "  12.5 → 48.1   25 %    20.4  110 → 130       0  12.3k",
    ]


def test_a_name_that_only_one_of_the_cells_has_leaves_a_dash() -> None:
    plan = make_plan(replica_counts=(1, 2))
    rows = (
        request("GET /", cell=plan.cells[0]),
        request("GET /new", cell=plan.cells[1]),
    )
    (table,) = requests.tables(make_result(plan, make_trials(plan), requests=rows))

    old, new = table.rows
    assert [few for few, _ in new.sides] == ["–"] * 6
    assert requests.joined(old, table.counts)[0] == "12.5 → –"


def test_a_single_name_is_its_cell_and_has_no_table() -> None:
    result = result_of(["cpu"], ["GET /cpu"])

    assert requests.tables(result) == []
    assert requests.TITLE not in "\n".join(printed(result))
    assert requests.TITLE not in markdown.render(result)
    assert 'id="requests"' not in html.render(result, (), live=False)


def test_one_number_of_replicas_has_one_column_each() -> None:
    result = result_of(["cpu"], ["GET /a", "GET /b"], counts=(2,))
    page = html.render(result, (), live=False)

    assert "→" not in "".join(shown(result))
    assert '<th scope="col" class="n">×2</th>' in page
    assert 'colspan="2"' not in page.partition('id="requests"')[2].partition("</section>")[0]


@pytest.mark.parametrize("size", [9.0, 12_345.0, 1_048_576.0, 9_999_999.0])
def test_ten_workloads_with_long_names_fit_80_columns_and_stay_short(size: float) -> None:
    names = [f"{LONG}{number}" for number in range(30)]
    result = result_of([f"workload-{number}" for number in range(10)], names, mean_bytes=size)

    lines = printed(result)
    titles = [line for line in lines if line.startswith(requests.TITLE)]
    assert len(titles) == 10
    assert max(map(cell_len, lines)) <= 80
    assert lines.count("  28 more are in report.html.") == 10
    assert lines.count(next(line for line in lines if "50.0" in line and "→" in line)) == 20


def test_markdown_and_html_have_every_name_with_markup_escaped() -> None:
    names = ["GET /<b>|x", *(f"GET /{number}" for number in range(40))]
    result = result_of(["cpu", "io"], names)

    text, page = markdown.render(result), html.render(result, (), live=False)
    assert r"| GET /\<b\>\|x | 12.5 → 50.0 | 25 % |" in text
    assert text.count("\n| GET /") == 2 * len(names)
    assert "GET /&lt;b&gt;|x" in page
    assert "<b>" not in page
    assert page.count('<th scope="row">GET /') == 2 * len(names)


def test_a_comment_with_very_many_names_stays_below_its_limit() -> None:
    names = [f"{LONG}{number}" for number in range(101)]
    text = markdown.render(result_of([f"workload-{number}" for number in range(10)], names))

    assert len(text) < 65_536
    assert text.count("81 more are in report.html.") == 10


def test_programs_get_every_cell_and_get_it_back() -> None:
    result = result_of(["cpu"], ["GET /a", "GET /b"])

    assert run_json.parse(run_json.render(result)).requests == result.requests
    lines = csv_tables.requests(result).splitlines()
    assert len(lines) == 1 + 6
    assert lines[0].startswith("worker,workload,replicas,name,requests,failed,share_ratio")
    assert lines[1] == "gthread,cpu,1,GET /a,4000,0,0.25,12.5,20.4,110.0,12345.0"
