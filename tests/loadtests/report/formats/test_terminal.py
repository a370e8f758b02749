import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from loadtests.model.consistency import ProbeState
from loadtests.model.latency import SloDoubling
from loadtests.model.vocabulary import RuleCode, RuleState
from loadtests.report.formats import terminal
from tests.loadtests.analysis.latency.builders import slo_result
from tests.loadtests.builders import (
    make_cell,
    make_finding,
    make_plan,
    make_probe,
    make_result,
    make_trials,
)
from tests.loadtests.report.plots.test_levels import make_latency, make_level


def printed(story: RenderableType) -> str:
    console = Console(width=80, file=io.StringIO(), color_system=None)
    console.print(story)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_the_whole_summary_of_a_run() -> None:
    plan = make_plan(replica_counts=(1, 2))

    assert printed(terminal.render(make_result(plan, make_trials(plan)))) == (
        "Yes: doubling the servers doubles the throughput. Smallest factor: gthread cpu\n"
        "1→2: 2.00 [2.00, 2.00].\n"
        "\n"
        "  doubling      factor [95 %]  verdict  CPU used  CPU/request\n"
        "gthread cpu\n"
        "  1→2       2.00 [2.00, 2.00]  scales       2.00         1.00\n"
        "\n"
        "  cell  requests/s [95 %]  speed-up  p50 ms  p99 ms  CPU µs  bottleneck\n"
        "gthread cpu\n"
        "  ×1    50.0 [50.0, 50.0]      1.00    20.0     110    1960  replica CPU\n"
        "  ×2       100 [100, 100]      2.00    20.0     110    1960  replica CPU\n"
        "\n"
        "Next\n"
        "  Throughput per resource on cpu at 2 replicas: gthread 510 requests/s per core\n"
        "  and 795 requests/s per GB of memory.\n"
        "  Twice the throughput on cpu, extrapolated by the fitted law with replicas of\n"
        "  0.1 CPU: gthread needs 4 replicas for 200 requests/s.\n"
        "  As replicas are added, the proxy would saturate at about 34 replicas of\n"
        "  gthread on cpu (at 2, the proxy used 0.050 of its 1 CPU).\n"
        "  The next doubling fits this machine: --replicas 1,2,4."
    )


def test_a_broken_rule_is_shown_with_where_and_what_to_do() -> None:
    broken = make_finding(
        state=RuleState.BROKEN, code=RuleCode.ERRORS, cell=make_cell(), detail="9 % failed."
    )

    text = printed(terminal.render(make_result(findings=(broken,))))

    assert "Broken: errors\n  gthread cpu ×1: 9 % failed.\n  Find the failures" in text


def test_two_workloads_with_latency_and_an_objective_fit_80_columns() -> None:
    plan = make_plan(workers=("gthread", "gevent"), workloads=("mixed", "io"), replica_counts=(16,))
    level = make_latency(make_level(0.9, dropped=1234))
    loads = tuple(replace(level, **vars(cell)) for cell in plan.cells[:2])
    result = make_result(
        plan,
        make_trials(plan, rps=lambda spec: 12345.0 * spec.cell.replicas),
        latency=loads,
        slo=(slo_result(1, 40.0, 50.0), slo_result(2, 80.0, 90.0)),
        slo_doublings=(make_slo_doubling(factor=1.9, low=1.6, high=2.25),),
    )

    text = printed(terminal.render(result))

    assert text[text.index("  cell") : text.index("\nNext")] == (
        "  cell        requests/s [95 %]  speed-up  p50 ms  p99 ms  CPU µs  bottleneck\n"
        "gthread mixed\n"
        "  ×16   197520 [197520, 197520]         –    20.0     110    7.94  replica CPU\n"
        "gevent mixed\n"
        "  ×16   197520 [197520, 197520]         –    20.0     110    7.94  replica CPU\n"
        "gthread io\n"
        "  ×16   197520 [197520, 197520]         –    20.0     110    7.94  replica CPU\n"
        "gevent io\n"
        "  ×16   197520 [197520, 197520]         –    20.0     110    7.94  replica CPU\n"
        "\n"
        "Response times from the due time, in an open loop (ms)\n"
        "    load  rate/s   p50   p90      p99 [95 %]  p99.9  dropped\n"
        "gthread mixed ×16\n"
        "  closed     100  20.0                  40.0\n"
        "     90%    90.0  66.7  66.7  667 [600, 733]      –     1234\n"
        "gevent mixed ×16\n"
        "  closed     100  20.0                  40.0\n"
        "     90%    90.0  66.7  66.7  667 [600, 733]      –     1234\n"
        "\n"
        "Capacity under p99=250ms\n"
        "  cell   rate/s [between]  of capacity\n"
        "gthread cpu\n"
        "  ×1    44.7 [40.0, 50.0]       89.4 %\n"
        "  ×2    84.9 [80.0, 90.0]       84.9 %\n"
        "\n"
        "  doubling   factor [between]  verdict\n"
        "gthread cpu\n"
        "  1→2       1.90 [1.60, 2.25]  inconclusive\n"
    )


@pytest.mark.parametrize("name", ["basket", "w" * 90])
def test_names_of_any_length_leave_the_figures_on_one_line(name: str) -> None:
    workloads = [f"{name}-{number}" for number in range(10)]
    plan = make_plan(workloads=workloads, replica_counts=(1, 2))
    speed = {1: 54321.0, 2: 108642.0}
    trials = make_trials(plan, rps=lambda spec: speed[spec.cell.replicas])

    lines = printed(terminal.render(make_result(plan, trials))).splitlines()

    assert max(map(len, lines)) <= 80
    for row in (
        "  1→2       2.00 [2.00, 2.00]  scales       2.00         1.00",
        "  ×1       54321 [54321, 54321]      1.00    20.0     110    1.80  replica CPU",
        "  ×2    108642 [108642, 108642]      2.00    20.0     110    1.80  replica CPU",
    ):
        assert lines.count(row) == len(workloads)


def test_a_comparison_wraps_names_and_never_figures() -> None:
    plan = make_plan(
        workers=("gunicorn-gthread-eight-threads", "gunicorn-gevent-pooled"),
        workloads=("shopping-basket-of-a-regular-customer",),
        replica_counts=(16,),
    )

    text = printed(terminal.compare(make_result(plan, make_trials(plan))))

    assert max(map(len, text.splitlines())) <= 80
    assert sum(line.endswith("  1.00 [0.97, 1.03]") for line in text.splitlines()) == 1


def make_slo_doubling(
    *, factor: float | None, low: float | None, high: float | None
) -> SloDoubling:
    return SloDoubling(
        worker="gthread",
        workload="cpu",
        replicas_from=1,
        replicas_to=2,
        factor=factor,
        low=low,
        high=high,
        verdict="inconclusive",
        reason="",
    )


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.89, None, "at least 1.89"),
        (None, 2.4, "at most 2.40"),
        (None, None, "–"),
    ],
)
def test_a_factor_with_one_bound_is_shown_as_that_bound(
    low: float | None, high: float | None, said: str
) -> None:
    doubling = make_slo_doubling(factor=None, low=low, high=high)
    result = make_result(slo=(slo_result(1, None, 50.0),), slo_doublings=(doubling,))

    text = printed(terminal.render(result))

    (line,) = (line for line in text.splitlines() if line.endswith("inconclusive"))
    assert line.split("1→2")[1].strip() == f"{said}  inconclusive"


def test_names_are_no_markup() -> None:
    plan = make_plan(workers=("[red]x[/red]",), replica_counts=(1, 2))

    assert "\n[red]x[/red] cpu\n" in printed(terminal.render(make_result(plan, make_trials(plan))))


def test_the_comparison_is_advice_with_its_reason_the_figures_and_the_ratios() -> None:
    plan = make_plan(workers=("gthread", "gevent"), workloads=("io",), replica_counts=(4,))
    speed = {"gthread": 1.0, "gevent": 2.6}
    trials = make_trials(plan, rps=lambda spec: 150.0 * speed[spec.cell.worker])

    assert printed(terminal.compare(make_result(plan, trials))) == (
        "For io run gevent: 2.60 [2.46, 2.75] times gthread, at 4 replicas.\n"
        "\n"
        "On io, gevent serves more than gthread because a request costs it less CPU: 1005\n"
        "µs instead of 2613 µs, which is 2.60 [2.46, 2.75] times as many requests from a\n"
        "core.\n"
        "\n"
        "io         req/s [95 %]  /core   /GB   p50  p99  start s  speed-up\n"
        "gevent   390 [390, 390]    995  1550  20.0  110        –         –\n"
        "gthread  150 [150, 150]    383   596  20.0  110        –         –\n"
        "Requests per core, times those of gevent [95 %]: gthread 0.38 [0.36, 0.41].\n"
        "\n"
        "At 4 replicas. p50 and p99 are response times in ms at full load. start s is the\n"
        "time from the order for one more replica, without a CPU limit, to its first\n"
        "answer.\n"
        "\n"
        "workload  replicas  worker  against       ratio [95 %]\n"
        "io               4  gevent  gthread  2.60 [2.46, 2.75]"
    )


SPEEDS = {"gthread": 1.0, "sync": 0.5, "gevent": 2.6, "fast": 3.0}


def a_comparison(**fields: Any) -> str:
    """Return the comparison of four worker models of those speeds, in one line."""
    plan = make_plan(workers=tuple(SPEEDS), workloads=("io",), replica_counts=(4,))
    trials = make_trials(plan, rps=lambda spec: 150.0 * SPEEDS[spec.cell.worker])
    return printed(terminal.compare(make_result(plan, trials, **fields)))


def test_what_breaks_or_is_invalid_is_never_recommended_but_marked_and_explained() -> None:
    text = a_comparison(
        probes=(make_probe(worker="gevent", state=ProbeState.BREAKS, detail="One knew nothing."),),
        findings=(
            make_finding(
                state=RuleState.BROKEN,
                code=RuleCode.ERRORS,
                cell=make_cell(worker="fast", workload="io", replicas=4),
                detail="9 % failed.",
            ),
        ),
    )

    sentences = " ".join(text.split())
    assert sentences.startswith("For io run gthread: 2.00 [1.86, 2.15] times sync, at 4 replicas.")
    assert (
        "* gevent is left out: with more replicas its answers are wrong or fail. One knew nothing."
        in sentences
    )
    assert "* Left out, because the rule errors is broken: fast io ×4. 9 % failed." in sentences
    lines = text.splitlines()
    assert [line.split()[0] for line in lines if " * " in line][:2] == ["fast", "gevent"]
    pairs = [line.split()[2:4] for line in lines if line.split()[:2] == ["io", "4"]]
    assert [pair for pair in pairs if pair[1] != "*"] == [["sync", "gthread"]]
    assert len(pairs) == 6


def test_of_an_invalid_run_nothing_is_recommended() -> None:
    broken = make_finding(
        state=RuleState.BROKEN, code=RuleCode.HOST_CONTENTION, detail="Other programs ran."
    )

    text = a_comparison(findings=(broken,))

    assert text.startswith("No two worker models can be compared.\n")
    assert "whole run. Other programs ran." in " ".join(text.split())
    assert "For io run" not in text
    assert "serves more than" not in text
