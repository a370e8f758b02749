"""The boxes of a flame graph, and collapsed stacks."""

import pytest

from loadtests.analysis.profiles.flames import (
    MOST_DEPTH,
    OUTER,
    collapsed,
    difference,
    flame_of,
    short,
)
from loadtests.model.profiles.records import Stack, Waiting
from loadtests.model.profiles.results import FlameNode
from tests.loadtests.analysis.profiles.builders import FLASK, SERVER, SITE, frame, make_profile
from tests.loadtests.builders import make_cell

LARGE = make_profile([(0, 0, 0, 0, 1, 1)] * 40, cell=make_cell(replicas=4))
SMALL = make_profile([(0, 1, 1)] * 40)


def the(node: FlameNode, *path: str) -> FlameNode:
    """Return the box below a box, by the ends of the labels."""
    for label in path:
        (node,) = [child for child in node.children if child.label.endswith(label)]
    return node


def test_a_box_has_the_time_of_what_it_calls() -> None:
    flame = flame_of(LARGE, SMALL)

    assert flame is not None
    assert flame.ms == pytest.approx(60.0)
    row = the(flame, "__call__", "dispatch_request", "lock_row")
    assert [row.ms, row.change_ms] == pytest.approx([40.0, 30.0])
    assert the(row, "psycopg/connection.py execute", "[store]").ms == pytest.approx(40.0)
    assert the(flame, "__call__", "dispatch_request", "render").change_ms == pytest.approx(0.0)


def test_without_a_smaller_cell_nothing_has_changed() -> None:
    flame = flame_of(LARGE, None)

    assert flame is not None
    assert flame.change_ms is None


def test_without_a_request_there_is_no_graph() -> None:
    assert flame_of(make_profile([(2,)] * 40), None) is None
    assert flame_of(make_profile([]), None) is None


def test_collapsed_stacks_have_the_microseconds_of_a_request() -> None:
    assert collapsed(SMALL).splitlines() == [
        "flask/app.py __call__;flask/app.py dispatch_request;shop/db.py lock_row;"
        "psycopg/connection.py execute;[store] 10000",
        "flask/app.py __call__;flask/app.py dispatch_request;shop/pages.py render;[cpu] 20000",
    ]


def test_a_file_is_told_by_its_package() -> None:
    assert short(f"{SITE}/psycopg/rows.py") == "psycopg/rows.py"
    assert short("/srv/shop/web/pages.py") == "web/pages.py"
    assert short("odd;name.py") == "odd,name.py"


def deep_stack(depth: int) -> Stack:
    """Return a request in which functions call one another so many times."""
    walk = tuple(frame(f"/srv/shop/tree.py:{line}", f"walk_{line}") for line in range(depth))
    return Stack(frames=(*SERVER, *FLASK, *walk), kind=Waiting.CPU)


def test_a_deep_stack_is_whole_for_other_programs() -> None:
    deep = make_profile([(0,)] * 40, stacks=(deep_stack(500),))

    (line,) = collapsed(deep).splitlines()

    assert line.startswith("flask/app.py __call__;")
    assert line.count("walk_") == 500
    assert line.rpartition(" ")[0].endswith("shop/tree.py walk_499;[cpu]")


def depth_of(node: FlameNode) -> tuple[int, str]:
    """Return how many boxes are below one another, and the label of the innermost one."""
    count = 1
    while node.children:
        (node,), count = node.children, count + 1
    return count, node.label


def test_a_graph_of_a_deep_stack_has_its_innermost_functions() -> None:
    deep = make_profile([(0,)] * 40, stacks=(deep_stack(500),))

    flame = flame_of(deep, None)

    assert flame is not None
    assert the(flame, OUTER).ms == pytest.approx(flame.ms)
    assert depth_of(flame) == (1 + MOST_DEPTH, "[cpu]")


def test_a_difference_of_deep_paths_has_their_innermost_functions() -> None:
    path = tuple(f"f{number}" for number in range(300))

    flame = difference("CPU", {path: 3.0}, {path: 2.0})

    assert depth_of(flame) == (1 + MOST_DEPTH, "f299")
    assert the(flame, OUTER).change_ms == pytest.approx(1.0)
