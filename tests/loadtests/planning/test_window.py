import pytest

from loadtests.model.trial import Calibration, CalibrationStep
from loadtests.planning.trial_timing import in_words, window_of, window_s


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


@pytest.mark.parametrize(
    ("planned_s", "service_s", "expected_s"),
    [
        (2.0, 0.02, 2.0),
        (2.0, 0.499, 2.0),
        (2.0, 0.5, 5.0),
        (2.0, 0.56, 5.6),  # ten service times
        (2.0, 0.7, 6.0),
        (2.0, 5.6, 6.0),
        (1.0, 0.24, 1.0),
        (1.0, 0.25, 2.5),
    ],
)
def test_a_window_is_longer_where_requests_are_slow_however_many_answers_there_are(
    planned_s: float, service_s: float, expected_s: float
) -> None:
    assert window_s(planned_s, 100.0, service_s=service_s) == pytest.approx(expected_s)


@pytest.mark.parametrize("planned_s", [1.0, 2.0])
@pytest.mark.parametrize("cpu_s", [0.005, 0.026, 0.052, 0.08, 0.2])
def test_what_one_user_alone_takes_of_a_tenth_of_a_core_makes_no_window_longer(
    planned_s: float, cpu_s: float
) -> None:
    """It is CPU-bound, so its answers are few, and the windows long enough for them."""
    alone_s, rps = cpu_s / 0.1, 0.1 / cpu_s

    assert window_s(planned_s, rps, service_s=alone_s) == window_s(planned_s, rps)


def calibrated(rps: float, service_ms: float | None) -> Calibration:
    last = CalibrationStep(
        worker="gthread", workload="io", users=8, throughput_rps=rps, mean_ms=None
    )
    return Calibration(
        worker="gthread",
        workload="io",
        users_per_replica=8,
        service_ms=service_ms,
        steps=(last,),
    )


@pytest.mark.parametrize(
    ("rps", "service_ms", "length_s", "told"),
    [
        (80.0, 50.0, 2.0, None),
        (80.0, None, 2.0, None),
        (10.0, 50.0, 5.0, "one replica gives 10.0 answers/s, so windows take 5.0 s"),
        (0.0, None, 6.0, "one replica gives hardly any answer, so windows take 6.0 s"),
        (57.0, 560.0, 5.6, "a request of one user alone takes 0.56 s, so windows take 5.6 s"),
        (
            0.7,
            5600.0,
            6.0,
            "a request of one user alone takes 5.6 s, and windows take 6.0 s at most. That may be"
            " too short for a verdict; to get one, measure requests that take less than 2.1 s",
        ),
    ],
)
def test_the_run_says_why_windows_are_longer_or_too_short(
    rps: float, service_ms: float | None, length_s: float, told: str | None
) -> None:
    calibration = calibrated(rps, service_ms)

    assert window_of(2.0, calibration) == pytest.approx(length_s)
    assert in_words(2.0, calibration) == told
