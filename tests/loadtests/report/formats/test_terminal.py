import io
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from loadtests.model.latency import SloDoubling
from loadtests.model.vocabulary import RuleCode, RuleState
from loadtests.report.formats import terminal
from tests.loadtests.analysis.latency.builders import slo_result
from tests.loadtests.builders import make_cell, make_finding, make_plan, make_result, make_trials
from tests.loadtests.report.plots.test_levels import make_latency, make_level


def printed(story: RenderableType) -> str:
    console = Console(width=80, file=io.StringIO(), color_system=None)
    console.print(story)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_the_whole_story_of_a_run() -> None:
    plan = make_plan(replica_counts=(1, 2))

    assert printed(terminal.render(make_result(plan, make_trials(plan)))) == (
        "Yes: doubling the servers doubles the throughput. Least gain: gthread cpu 1→2:\n"
        "2.00 [2.00, 2.00].\n"
        "\n"
        "doubling             factor [95 %]  verdict  CPU got  CPU/request\n"
        "gthread cpu 1→2  2.00 [2.00, 2.00]  scales      2.00         1.00\n"
        "\n"
        "cell            requests/s [95 %]  speed-up  p50 ms  p99 ms  CPU µs  full\n"
        "gthread cpu ×1  50.0 [50.0, 50.0]      1.00    20.0     110    1960  replica CPU\n"
        "gthread cpu ×2     100 [100, 100]      2.00    20.0     110    1960  replica CPU\n"
        "\n"
        "Next\n"
        "  What cpu costs at 2 replicas: gthread 510 requests/s for each core and 795\n"
        "  requests/s for each GB.\n"
        "  Twice the throughput measured on cpu would take, by the fitted law and\n"
        "  replicas of 0.1 CPU: gthread 4 replicas for 200 requests/s. Nobody measured\n"
        "  that.\n"
        "  As replicas are added, the proxy would be full at about 34 of gthread on cpu\n"
        "  (at 2, the proxy used 0.050 of its 1 CPU).\n"
        "  The next doubling fits this machine: --replicas 1,2,4."
    )


def test_a_broken_rule_is_told_with_where_and_what_to_do() -> None:
    broken = make_finding(
        state=RuleState.BROKEN, code=RuleCode.ERRORS, cell=make_cell(), detail="9 % failed."
    )

    text = printed(terminal.render(make_result(findings=(broken,))))

    assert "Broken: errors\n  gthread cpu ×1: 9 % failed.\n  Read the failures" in text


@pytest.mark.parametrize("counts", [(1, 2, 4), (8, 16)])
def test_no_line_is_longer_than_80_columns(counts: tuple[int, ...]) -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"), replica_counts=counts)

    text = printed(terminal.render(make_result(plan, make_trials(plan))))

    assert max(map(len, text.splitlines())) <= 80


def test_latency_under_load_fits_80_columns_too() -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"), replica_counts=(8, 16))
    found = replace(make_latency(make_level(0.9, dropped=1234)), replicas=16)
    result = make_result(plan, make_trials(plan), latency=(found,))

    text = printed(terminal.render(result))

    assert max(map(len, text.splitlines())) <= 80
    assert "gthread cpu ×16     90%    90.0  66.7  667 [600, 733]      –     1234" in text


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.89, None, "at least 1.89"),
        (None, 2.4, "at most 2.40"),
        (None, None, "–"),
    ],
)
def test_a_factor_with_one_end_is_told_by_it(
    low: float | None, high: float | None, said: str
) -> None:
    doubling = SloDoubling(
        worker="gthread",
        workload="cpu",
        replicas_from=1,
        replicas_to=2,
        factor=None,
        low=low,
        high=high,
        verdict="inconclusive",
        reason="",
    )
    result = make_result(slo=(slo_result(1, None, 50.0),), slo_doublings=(doubling,))

    (line,) = (
        line
        for line in printed(terminal.render(result)).split("factor [between]")[1].splitlines()
        if line.startswith("gthread cpu 1→2")
    )

    assert line.split("1→2")[1].strip() == f"{said}  inconclusive"


def test_names_are_no_markup() -> None:
    plan = make_plan(workers=("[red]x[/red]",), replica_counts=(1, 2))

    assert "[red]x[/red] cpu 1→2" in printed(terminal.render(make_result(plan, make_trials(plan))))


def test_the_comparison_is_a_sentence_and_the_ratios() -> None:
    plan = make_plan(workers=("gthread", "gevent"), workloads=("io",), replica_counts=(4,))
    speed = {"gthread": 1.0, "gevent": 2.6}
    trials = make_trials(plan, rps=lambda spec: 150.0 * speed[spec.cell.worker])

    assert printed(terminal.compare(make_result(plan, trials))) == (
        "For io run gevent: 2.60 [2.60, 2.60] times gthread, at 4 replicas.\n"
        "\n"
        "workload  replicas  worker  against       times [95 %]\n"
        "io               4  gevent  gthread  2.60 [2.60, 2.60]"
    )
