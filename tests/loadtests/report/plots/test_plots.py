"""What is drawn, where, on runs whose places can be worked out by hand."""

import math
from dataclasses import replace

import pytest

from loadtests.report.plots import beyond, efficiency, latency, strips, throughput
from loadtests.report.plots.axes import series, thinned, worker_numbers
from loadtests.report.plots.drawing import BOTTOM, LEFT, RIGHT, TOP, Mark, Panel
from loadtests.report.plots.timeline import timeline
from loadtests.report.text.comparison import among_all
from tests.loadtests.builders import make_plan, make_result, make_trials, noisy_rps

PLAN = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2, 4), rounds=3)
TRIALS = make_trials(PLAN)
RESULT = make_result(PLAN, TRIALS)
GTHREAD, SYNC = series(RESULT, TRIALS)


def test_each_worker_model_and_workload_is_a_series_with_its_colour() -> None:
    assert [(each.worker, each.workload, each.number) for each in (GTHREAD, SYNC)] == [
        ("gthread", "cpu", 0),
        ("sync", "cpu", 1),
    ]


def test_perfect_throughput_lies_on_the_ideal_line() -> None:
    panel = throughput.panel(GTHREAD)

    (start, end) = panel.lines[0].points.split()
    x0, y0, x1, y1 = map(float, f"{start},{end}".split(","))
    assert (x0, y0) == (LEFT, BOTTOM)
    for mark in panel.marks:
        assert mark.y == pytest.approx(y0 + (mark.x - x0) * (y1 - y0) / (x1 - x0), abs=0.2)


def test_everything_is_drawn_inside_the_plot() -> None:
    for panel in (throughput.panel(SYNC), efficiency.panel(SYNC), latency.panel(SYNC)):
        assert panel is not None
        places = [(each.x, each.y) for each in panel.dots]
        for x, y in [*places, *((each.x, each.y) for each in panel.marks)]:
            assert LEFT <= x <= RIGHT + 1
            assert TOP <= y <= BOTTOM


def test_rounds_stand_beside_one_another_in_their_order() -> None:
    dots = [dot for dot in throughput.panel(GTHREAD).dots if "×4" in dot.tip]

    assert [dot.x for dot in dots] == sorted(dot.x for dot in dots)
    assert len({dot.x for dot in dots}) == 3


def test_perfect_efficiency_is_at_one_hundred_per_cent() -> None:
    panel = efficiency.panel(GTHREAD)

    top = next(tick.at for tick in panel.y_ticks if tick.text == "100 %")
    assert [mark.y for mark in panel.marks] == [top, top]
    assert panel.band == ""


def beyond_of_gthread(*counts: int, rounds: int = 3) -> Panel | None:
    plan = make_plan(replica_counts=counts, rounds=rounds)
    trials = make_trials(plan, rps=noisy_rps(spread=0.05))
    result = make_result(plan, trials)
    return beyond.panel(series(result, trials)[0], result.laws[0])


def test_the_laws_band_starts_where_measuring_ended_and_spans_one_doubling() -> None:
    panel = beyond_of_gthread(1, 2, 4)

    assert panel is not None
    places = [float(place.split(",")[0]) for place in panel.band.split()]
    four, eight = (tick.at for tick in panel.x_ticks if tick.text in {"4", "8"})
    assert (min(places), max(places)) == (four, eight)


def test_beyond_the_measured_range_the_law_is_no_line() -> None:
    panel = beyond_of_gthread(1, 2, 4)

    assert panel is not None
    (law,) = (line for line in panel.lines if line.kind == "law")
    four = next(tick.at for tick in panel.x_ticks if tick.text == "4")
    assert max(float(place.split(",")[0]) for place in law.points.split()) == four


def test_the_band_widens_from_what_the_largest_cell_leaves_open() -> None:
    panel = beyond_of_gthread(1, 2, 4)

    assert panel is not None
    heights = [float(place.split(",")[1]) for place in panel.band.split()]
    (mark,) = panel.marks[-1:]
    assert heights[0] < mark.y < heights[-1], "pixels count downwards"
    assert heights[len(heights) // 2] - heights[len(heights) // 2 - 1] > heights[-1] - heights[0]


def test_one_round_has_a_law_without_a_band_and_without_the_next_doubling() -> None:
    panel = beyond_of_gthread(1, 2, 4, rounds=1)

    assert panel is not None
    assert panel.band == ""
    assert [tick.text for tick in panel.x_ticks] == ["1", "2", "4"]
    assert "not measured" not in {line.text for line in panel.lines}


def test_without_one_replica_there_is_no_speed_up_to_draw() -> None:
    assert beyond_of_gthread(2, 4) is None


def test_a_series_without_a_success_has_no_latency_to_draw() -> None:
    silent = make_trials(PLAN, rps=lambda _: 0.0)

    assert latency.panel(series(make_result(PLAN, silent), silent)[0]) is None


def test_the_doublings_share_one_axis_with_target_and_perfect() -> None:
    forest = strips.doublings(RESULT, TRIALS, worker_numbers(RESULT))

    assert [reference.text for reference in forest.axis.references] == ["target 1.8", "perfect 2"]
    assert {strip.estimate for strip in forest.strips} == {forest.axis.references[1].at}
    assert [len(strip.dots) for strip in forest.strips] == [3] * 4


def test_equal_worker_models_stand_in_the_middle_of_their_axis() -> None:
    forest = strips.comparisons(RESULT.comparisons, worker_numbers(RESULT))

    assert [strip.estimate for strip in forest.strips] == [50.0] * 3


def test_the_strips_of_three_worker_models_reach_as_far_as_intervals_for_all_pairs() -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"), replica_counts=(1, 2), rounds=4)
    result = make_result(plan, make_trials(plan, rps=noisy_rps()))

    forest = strips.comparisons(result.comparisons, worker_numbers(result))

    wide = [replace(ratio, ratio=among_all(ratio)) for ratio in result.comparisons]
    narrow = [replace(ratio, all_pairs_ratio=None) for ratio in result.comparisons]
    assert forest == strips.comparisons(wide, worker_numbers(result))
    assert forest != strips.comparisons(narrow, worker_numbers(result))
    assert min(strip.low for strip in forest.strips if strip.low is not None) >= 0


def test_a_trial_stands_at_its_time_and_above_its_cells_mean() -> None:
    plan = make_plan(replica_counts=(1,), rounds=2)
    trials = make_trials(plan, rps=lambda spec: 100.0 * math.exp(0.1 * (-1) ** spec.round))

    found = timeline(make_result(plan, trials), trials)

    (row,) = found.rows
    assert row.dots[0].y > 17 > row.dots[1].y, "pixels count downwards"
    assert row.dots[0].x < row.dots[1].x
    assert found.reach == pytest.approx(math.exp(0.1) - 1)


def test_texts_that_would_touch_are_left_out_but_the_last() -> None:
    marks = [
        Mark(x=x, y=0, low=None, high=None, text=f"{x}", text_x=x, text_y=0) for x in (10, 20, 90)
    ]

    assert [mark.text for mark in thinned(marks)] == ["", "20", "90"]
