import re
from io import StringIO

import pytest
from rich.console import Console

from loadtests.model.result import ComparisonResult, Estimate
from loadtests.report.formats import html, markdown, terminal
from loadtests.report.rounding import factor, interval
from loadtests.report.text.comparison import inverse, ratio_of, recommendations
from tests.loadtests.builders import make_plan, make_result, make_trials, noisy_rps


def compared(
    worker: str, against: str, low: float | None, high: float | None, replicas: int = 4
) -> ComparisonResult:
    middle = (low * high) ** 0.5 if low and high else None
    return ComparisonResult(
        workload="io",
        replicas=replicas,
        worker=worker,
        against=against,
        ratio=Estimate(estimate=middle, low=low, high=high),
    )


def test_the_fastest_is_recommended_at_the_most_replicas() -> None:
    found = recommendations(
        [
            compared("gevent", "gthread", 1.4, 1.6, replicas=1),
            compared("gevent", "gthread", 2.4, 2.8),
        ]
    )

    assert found == ["For io run gevent: 2.59 [2.40, 2.80] times gthread, at 4 replicas."]


def test_it_does_not_matter_which_way_round_a_ratio_was_worked_out() -> None:
    assert recommendations([compared("gthread", "gevent", 1 / 2.8, 1 / 2.4)]) == [
        "For io run gevent: 2.59 [2.40, 2.80] times gthread, at 4 replicas."
    ]


def test_two_that_an_interval_cannot_tell_apart_are_both_named() -> None:
    found = recommendations(
        [
            compared("sync", "gthread", 0.98, 1.04),
            compared("gevent", "gthread", 0.4, 0.5),
            compared("gevent", "sync", 0.4, 0.5),
        ]
    )

    assert found == [
        "For io run sync or gthread: sync gives 1.01 [0.98, 1.04] times gthread, which may be"
        " chance; sync gives 2.24 [2.00, 2.50] times gevent, at 4 replicas."
    ]


def test_without_an_interval_nothing_is_recommended() -> None:
    assert recommendations([compared("gevent", "gthread", None, None, replicas=1)]) == [
        "For io no worker model is shown to be faster at 1 replica: there is no interval."
    ]


def test_the_inverse_swaps_the_bounds() -> None:
    assert inverse(Estimate(estimate=2.0, low=1.0, high=4.0)) == Estimate(
        estimate=0.5, low=0.25, high=1.0
    )


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_the_tables_of_three_worker_models_show_the_intervals_of_the_advice(form: str) -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"), replica_counts=(1, 2), rounds=4)
    trials = make_trials(plan, rps=noisy_rps())
    result = make_result(plan, trials)
    if form == "terminal":
        console = Console(file=StringIO(), width=80, record=True)
        console.print(terminal.compare(result))
        text = console.export_text()
        table = text[text.index("workload  replicas") :]
    elif form == "markdown":
        table = markdown.render(result).replace("\\", "").split("### Worker models")[1]
    else:
        table = html.render(result, trials, live=False).split("Worker models compared")[-1]

    shown = re.findall(r"[\d.]+ \[[\d.]+, [\d.]+\]", table)[: len(result.comparisons)]

    advised = [
        ratio_of([comparison], comparison.worker, comparison.against)
        for comparison in result.comparisons
    ]
    expected = [interval(ratio, factor) for ratio in advised if ratio is not None]
    assert sorted(shown) == sorted(expected)
    assert shown != [interval(comparison.ratio, factor) for comparison in result.comparisons]
