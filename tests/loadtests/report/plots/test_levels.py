from dataclasses import replace
from typing import Any

import pytest

from loadtests.model.latency import LatencyResult, LevelResult, Percentiles, Quantile
from loadtests.report.formats import html
from loadtests.report.plots import levels
from loadtests.report.plots.drawing import BOTTOM, LEFT, RIGHT, TOP, Panel
from tests.loadtests.builders import make_plan, make_result, make_trials


def quantile(ms: float | None, *, high_ms: float | None = None) -> Quantile:
    return Quantile(ms=ms, low_ms=ms and 0.9 * ms, high_ms=high_ms or (ms and 1.1 * ms))


def percentiles(p50: float | None, p99: float | None) -> Percentiles:
    return Percentiles(p50=quantile(p50), p90=quantile(p50), p99=quantile(p99), p999=quantile(None))


def make_level(share_ratio: float, **fields: Any) -> LevelResult:
    """Return a level at a share of 100 requests/s, whose p99 from due is ten times its p50."""
    p50 = 10 / (1.05 - share_ratio)
    defaults: dict[str, Any] = {
        "share_ratio": share_ratio,
        "rate_rps": 100 * share_ratio,
        "offered_rps": 100 * share_ratio,
        "rounds": 4,
        "requests": 1000,
        "dropped": 0,
        "failed": 0,
        "response": percentiles(p50, 10 * p50),
        "service": percentiles(p50, 5 * p50),
        "late_p99_ms": 0.5,
        "state": "valid",
        "reason": "",
    }
    return LevelResult(**defaults | fields)


def make_latency(*found: LevelResult) -> LatencyResult:
    return LatencyResult(
        worker="gthread",
        workload="cpu",
        replicas=2,
        capacity_rps=100.0,
        closed_p50_ms=20.0,
        closed_p99_ms=40.0,
        levels=found or tuple(make_level(share) for share in (0.3, 0.6, 0.9)),
    )


def drawn(found: LatencyResult, objective_ms: float | None = None) -> Panel:
    panel = levels.panel(found, 0, objective_ms)
    assert panel is not None
    return panel


def places(panel: Panel, kind: str, text: str = "") -> list[tuple[float, float]]:
    (line,) = (each for each in panel.lines if each.kind == kind and each.text == text)
    return [(float(x), float(y)) for x, y in (place.split(",") for place in line.points.split())]


def test_each_percentile_is_a_line_over_the_offered_load() -> None:
    panel = drawn(make_latency())

    p50, p99 = places(panel, "path", "p50"), places(panel, "path", "p99")
    sent = places(panel, "sent")
    assert [x for x, _ in p50] == [x for x, _ in p99] == [x for x, _ in sent]
    for (_, middle), (_, slow), (_, after_sending) in zip(p50, p99, sent, strict=True):
        assert slow < after_sending < middle, "pixels count downwards"


def test_ten_times_the_time_is_the_same_way_up_everywhere() -> None:
    panel = drawn(make_latency())

    gaps = [
        slow - middle
        for (_, middle), (_, slow) in zip(
            places(panel, "path", "p50"), places(panel, "path", "p99"), strict=True
        )
    ]
    assert gaps == pytest.approx([gaps[0]] * 3, abs=0.2)


def test_capacity_and_objective_are_lines_of_their_own() -> None:
    panel = drawn(make_latency(), objective_ms=500.0)

    ((x, _), _) = places(panel, "edge", "capacity")
    assert max(mark.x for mark in panel.marks) < x <= RIGHT
    ((left, y), (right, _)) = places(panel, "ideal", "objective 500 ms")
    assert (left, right) == (LEFT, RIGHT)
    assert TOP <= y <= BOTTOM


def test_without_an_objective_there_is_no_line_for_one() -> None:
    assert "ideal" not in {line.kind for line in drawn(make_latency()).lines}


def test_a_level_that_is_not_valid_is_not_drawn() -> None:
    bad = make_level(0.9, state="invalid", reason="The generator was late.")

    panel = drawn(make_latency(make_level(0.3), bad))

    assert len(places(panel, "path", "p50")) == 1
    assert levels.panel(make_latency(bad), 0, 50.0) is None


def test_a_percentile_that_lies_among_the_failures_is_left_out() -> None:
    lost = make_level(0.9, response=percentiles(100.0, None), service=percentiles(100.0, None))

    panel = drawn(make_latency(make_level(0.3), lost))

    assert len(places(panel, "path", "p50")) == 2
    assert len(places(panel, "path", "p99")) == len(places(panel, "sent")) == 1
    assert "p99 – ms" in panel.description


@pytest.mark.parametrize("factor", [1e-2, 1.0, 1e3])
def test_everything_is_drawn_inside_with_a_few_round_times(factor: float) -> None:
    scaled = [
        make_level(
            share,
            response=percentiles(factor * 10, factor * 10 ** (1 + 3 * share)),
            service=percentiles(factor * 10, factor * 20),
        )
        for share in (0.1, 0.5, 0.9)
    ]
    panel = drawn(make_latency(*scaled))

    assert all(TOP <= mark.y <= BOTTOM and LEFT <= mark.x <= RIGHT for mark in panel.marks)
    assert 1 <= len(panel.y_ticks) <= 5


def test_the_page_shows_the_plots_beside_the_table() -> None:
    plan = make_plan(replica_counts=(1, 2))
    trials = make_trials(plan)
    result = replace(make_result(plan, trials), latency=(make_latency(),))

    page = html.render(result, trials, live=False)

    section = page.split('<section id="levels">')[1].split("</section>")[0]
    assert section.count('<figure class="panel">') == 1
    assert "nan" not in section
