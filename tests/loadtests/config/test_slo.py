import pytest

from loadtests.config.slo import parse
from loadtests.model.errors import EXIT_USAGE, UsageError
from loadtests.model.latency import Objective


@pytest.mark.parametrize(
    ("text", "percent", "limit_ms"),
    [
        ("p99=250ms", 99.0, 250.0),
        ("P99.9 = 1.5s", 99.9, 1500.0),
        ("p50<800us", 50.0, 0.8),
        ("p95<=2s", 95.0, 2000.0),
    ],
)
def test_an_objective_is_read_as_people_write_it(
    text: str, percent: float, limit_ms: float
) -> None:
    assert parse(text) == Objective(percent=percent, limit_ms=limit_ms)


@pytest.mark.parametrize(
    "text", ["", "99=250ms", "p99", "p99=250", "p99=ms", "p99=-1ms", "p999=1s", "p99=1ms,p50=1ms"]
)
def test_what_is_no_objective_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(UsageError, match=r"Try --slo p99=250ms") as failure:
        parse(text)

    assert repr(text) in str(failure.value)
    assert failure.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("p10=250ms", "between 50 and 99.9"),
        ("p99.99=250ms", "between 50 and 99.9"),
        ("p99=0ms", "above 0"),
        ("p99=16s", "at most 15 s"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_limits(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse(text)


def test_an_objective_is_written_as_it_is_read() -> None:
    for text in ("p99=250ms", "p99.9=1500ms"):
        assert str(parse(text)) == text
