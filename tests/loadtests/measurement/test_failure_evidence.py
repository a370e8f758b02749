from typing import Any

import pytest

from loadtests.measurement.failure_evidence import (
    MOST_LOOKS,
    FailureEvidence,
    compared_with_fewer,
)
from loadtests.model.errors import UnusableLoad
from loadtests.model.failures import AnswerExample, RequestOutcomes
from loadtests.model.trial import Trial
from tests.loadtests.builders import make_cell, make_spec, make_trial

LOG = """\
[2026-09-21 10:00:00 +0000] [7] [INFO] Booting worker with pid: 7
Traceback (most recent call last):
  File "/app/shop.py", line 12, in index
psycopg.OperationalError: connection failed: FATAL:  sorry, too many clients already
[2026-09-21 10:00:09 +0000] [7] [INFO] Handling signal: winch
"""


def failed_trial(failed_by: str = "gthread-2", **fields: Any) -> Trial:
    request = RequestOutcomes(
        name="GET /", completed=90, failed=10, kinds={"status 500": 10}, failed_by={failed_by: 10}
    )
    spec = make_spec(cell=make_cell(replicas=2))
    return make_trial(spec=spec, failed=10, requests=(request,), **fields)


def test_a_failure_gets_the_line_of_the_log_that_explains_it() -> None:
    trial = FailureEvidence({"gthread-2": LOG}.__getitem__).explained(failed_trial())

    (example,) = trial.examples
    assert (example.name, example.status, example.replica) == ("GET /", 500, "gthread-2")
    assert example.log_line == (
        "psycopg.OperationalError: connection failed: FATAL:  sorry, too many clients already"
    )


def test_an_example_that_the_generator_gave_keeps_its_answer() -> None:
    given = AnswerExample(name="GET /", outcome="status", status=500, replica="gthread-2")

    trial = FailureEvidence(lambda _: LOG).explained(failed_trial(examples=(given,)))

    assert [(one.status, one.log_line is not None) for one in trial.examples] == [(500, True)]


def test_a_log_without_an_error_explains_nothing() -> None:
    trial = failed_trial()

    assert FailureEvidence(lambda _: "all is well\n").explained(trial) is trial


def test_logs_are_read_after_few_trials_of_a_cell_and_not_without_failures() -> None:
    read: list[str] = []

    def log_of(name: str) -> str:
        read.append(name)
        return LOG

    evidence = FailureEvidence(log_of)

    evidence.explained(make_trial())
    for _ in range(5):
        evidence.explained(failed_trial())

    assert read == ["gthread-2"] * MOST_LOOKS


def test_a_failure_of_the_connection_is_in_no_replicas_log() -> None:
    trial = failed_trial(failed_by="nobody")

    assert FailureEvidence(lambda _: LOG).explained(trial) is trial


ALERT = "2026/11/29 16:28:17 [alert] 7#7: *9 512 worker_connections are not enough"
PAGE = "<hr><center>nginx/1.26.3</center>"


@pytest.mark.parametrize(
    ("example", "told"),
    [
        (AnswerExample(name="GET /", outcome="status", status=500, body_start=PAGE), True),
        (AnswerExample(name="GET /", outcome="reset"), True),
        (AnswerExample(name="GET /", outcome="status", status=502, body_start=PAGE), False),
        (AnswerExample(name="GET /", outcome="status", status=500, body_start="Oh"), False),
    ],
)
def test_want_of_connections_is_told_by_the_log_of_the_proxy(
    example: AnswerExample, told: bool
) -> None:
    logs = {"proxy": f"{ALERT}\nstarted\n"}
    failed = failed_trial(failed_by="nobody", examples=(example,))

    trial = FailureEvidence(logs.__getitem__).explained(failed)

    assert [one.log_line for one in trial.examples] == [ALERT if told else None]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ([1], "With 2 replicas: Users end. With 1 they began. Perhaps what one server gave"),
        ([2], "Users end."),
        ([], "Users end."),
    ],
)
def test_users_who_do_not_start_are_said_to_have_started_with_fewer_replicas(
    before: list[int], told: str
) -> None:
    trials = [make_trial(spec=make_spec(cell=make_cell(replicas=count))) for count in before]
    other = make_trial(spec=make_spec(cell=make_cell(worker="sync", replicas=1)))
    spec = make_spec(cell=make_cell(replicas=2))

    with (
        pytest.raises(UnusableLoad) as raised,
        compared_with_fewer(spec, [*trials, other]),
    ):
        raise UnusableLoad("Users end.")

    assert str(raised.value).startswith(told)
