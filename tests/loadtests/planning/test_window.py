import pytest

from loadtests.planning.trial_timing import window_s


@pytest.mark.parametrize(
    ("planned_s", "rps", "expected_s"),
    [
        (2.0, 80.0, 2.0),
        (2.0, 25.0, 2.0),
        (2.0, 10.0, 5.0),  # 50 answers
        (2.0, 4.0, 6.0),
        (2.0, 0.0, 6.0),
        (1.0, 10.0, 2.5),
    ],
)
def test_a_window_is_longer_where_answers_are_few(
    planned_s: float, rps: float, expected_s: float
) -> None:
    assert window_s(planned_s, rps) == expected_s
