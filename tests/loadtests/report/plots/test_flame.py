"""The boxes of a flame graph, as places."""

from loadtests.analysis.profiles.flames import OUTER
from loadtests.model.profiles.results import FlameNode
from loadtests.report.plots.flame import MOST_BOXES, MOST_IN_TABLE, MOST_ROWS, ROW, flame

ROOT = FlameNode(
    label="a request",
    ms=60.0,
    change_ms=30.0,
    children=(
        FlameNode(label="shop/db.py lock_row", ms=45.0, change_ms=30.0),
        FlameNode(label="shop/pages.py render", ms=15.0, change_ms=0.0),
    ),
)


def test_children_lie_side_by_side_below_what_called_them() -> None:
    drawn = flame("gthread cpu ×4", ROOT)

    assert [(box.x, box.width, box.y) for box in drawn.boxes] == [
        (0.0, 100.0, 0),
        (0.0, 75.0, ROW),
        (75.0, 25.0, ROW),
    ]
    assert drawn.height == 2 * ROW


def test_a_box_that_grew_is_told_by_its_colour_and_in_words() -> None:
    drawn = flame("gthread cpu ×4", ROOT)

    assert [box.kind for box in drawn.boxes] == ["grew", "grew", "same"]
    assert drawn.boxes[1].tip == (
        "shop/db.py lock_row: 45.0 ms per request, 75%; +30.0 ms with more replicas"
    )


def test_without_a_comparison_no_box_has_a_colour() -> None:
    drawn = flame("gthread cpu ×1", FlameNode(label="a request", ms=60.0))

    assert (drawn.compared, drawn.boxes[0].kind) == (False, "same")
    assert drawn.boxes[0].tip == "a request: 60.0 ms per request, 100%"


def test_a_graph_of_many_functions_keeps_the_largest_boxes() -> None:
    children = tuple(FlameNode(label=f"f{n}", ms=1.0 + n / 1000) for n in range(1000))
    drawn = flame("wide", FlameNode(label="a request", ms=1500.0, children=children))

    assert len(drawn.boxes) == MOST_BOXES
    assert "f999" in [box.tip.partition(":")[0] for box in drawn.boxes]


def test_a_label_that_does_not_fit_is_cut_or_left_out() -> None:
    narrow = (FlameNode(label="a_very_long_name" * 4, ms=20.0), FlameNode(label="tiny", ms=1.0))
    drawn = flame("cut", FlameNode(label="r", ms=100.0, children=narrow))

    assert [box.label for box in drawn.boxes[1:]] == ["a_very_long_name" * 1 + "a_very_long…", ""]


def test_the_largest_boxes_are_a_table_too_each_with_what_called_it() -> None:
    drawn = flame("gthread cpu ×4", ROOT)

    assert drawn.columns == ("function", "called by", "ms per request", "share", "change, ms")
    assert drawn.rows == (
        ("a request", "", "60.0", "100%", "+30.0"),
        ("shop/db.py lock_row", "a request", "45.0", "75%", "+30.0"),
        ("shop/pages.py render", "a request", "15.0", "25%", "+0"),
    )


def test_the_table_is_bounded_and_has_no_change_without_a_comparison() -> None:
    children = tuple(FlameNode(label=f"f{n}", ms=1.0 + n / 1000) for n in range(1000))
    drawn = flame("wide", FlameNode(label="a request", ms=1500.0, children=children))

    assert len(drawn.rows) == MOST_IN_TABLE
    assert drawn.columns[-1] == "share"
    assert {row[0] for row in drawn.rows} >= {"a request", "f999"}
    assert flame("nothing", FlameNode(label="a request", ms=0.0)).rows[0][3] == ""


def test_a_change_of_seconds_has_plain_digits() -> None:
    drawn = flame("slow", FlameNode(label="a request", ms=4321.0, change_ms=-1234.5))

    assert drawn.boxes[0].tip == "a request: 4321 ms per request, 100%; -1234 ms with more replicas"
    assert drawn.rows[0][-1] == "-1234"


def chain(count: int, ms: float, *beside: FlameNode) -> FlameNode:
    """Return functions that call one another; the outermost one also calls ``beside``."""
    node = FlameNode(label=f"f{count - 1}", ms=ms, change_ms=0.0)
    for number in reversed(range(count - 1)):
        node = FlameNode(label=f"f{number}", ms=ms, change_ms=0.0, children=(node,))
    whole = ms + sum(other.ms for other in beside)
    return FlameNode(label="f0", ms=whole, change_ms=0.0, children=(*node.children, *beside))


def test_of_a_graph_with_too_many_rows_the_outer_functions_are_one_box() -> None:
    beside = FlameNode(label="session", ms=10.0, change_ms=5.0)
    root = FlameNode(label="a request", ms=60.0, change_ms=5.0, children=(chain(60, 50.0, beside),))

    drawn = flame("deep", root)

    assert drawn.height == MOST_ROWS * ROW
    first = 60 - (MOST_ROWS - 2)
    assert [box.tip.partition(":")[0] for box in drawn.boxes] == [
        "a request",
        OUTER,
        f"f{first}",
        "session",
        *(f"f{number}" for number in range(first + 1, 60)),
    ]
    assert ("session", OUTER, "10.0", "17%", "+5.00") in drawn.rows
    assert drawn.rows[1][:3] == (OUTER, "a request", "60.0")
    assert drawn.rows[-2][0] == "f59"


def test_a_graph_that_just_fits_is_whole() -> None:
    drawn = flame("deep", FlameNode(label="a request", ms=5.0, children=(chain(27, 5.0),)))

    assert drawn.height == MOST_ROWS * ROW
    assert OUTER not in {row[0] for row in drawn.rows}
