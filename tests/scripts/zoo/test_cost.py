import pytest

from scripts.zoo.cost import Spent, row_of


def test_what_is_timed_adds_up_also_where_it_fails() -> None:
    spent = Spent()

    def work(value: int) -> int:
        return 2 * value

    def fail() -> None:
        raise ValueError("on purpose")

    assert spent.timed(work)(4) == 8
    with pytest.raises(ValueError, match="on purpose"):
        spent.timed(fail)()
    assert spent.calls == 2
    assert spent.wall_s > 0


@pytest.mark.parametrize(
    ("wall_s", "cpu_s", "right"), [(0.49, 0.59, True), (0.51, 0.1, False), (0.1, 0.61, False)]
)
def test_fifty_milliseconds_and_a_fiftieth_of_a_core_are_the_limits(
    wall_s: float, cpu_s: float, *, right: bool
) -> None:
    spent = {"edges": Spent(wall_s=wall_s, cpu_s=cpu_s, calls=20)}

    row = row_of(spent, trials=10, wall_s=30.0, metronome=0.1)

    assert row["right"] is right
    assert row["figures"]["checks_wall_ms"] == pytest.approx(100 * wall_s)
