from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from loadtests.measurement.failure_evidence import (
    MOST_LOOKS,
    FailureEvidence,
    compared_with_fewer,
)
from loadtests.model.errors import ListTooShort, UnusableLoad
from loadtests.model.failures import AnswerExample, RequestOutcomes
from loadtests.model.stack import LogLines
from loadtests.model.trial import Trial
from tests.loadtests.builders import make_cell, make_spec, make_trial

LOG = """\
[2026-09-21 10:00:00 +0000] [7] [INFO] Booting worker with pid: 7
Traceback (most recent call last):
  File "/app/shop.py", line 12, in index
psycopg.OperationalError: connection failed: FATAL:  sorry, too many clients already
[2026-09-21 10:00:09 +0000] [7] [INFO] Handling signal: winch
"""


def evidence_of(log_of: Callable[[str], str]) -> FailureEvidence:
    """Give one for which the end of a log is its last 20 lines, as on an engine."""
    return FailureEvidence(
        lambda member: "\n".join(log_of(member).splitlines()[-20:]),
        lambda member: LogLines(lines=log_of(member).splitlines()),
    )


def failed_trial(failed_by: str = "gthread-2", **fields: Any) -> Trial:
    request = RequestOutcomes(
        name="GET /", completed=90, failed=10, kinds={"status 500": 10}, failed_by={failed_by: 10}
    )
    spec = make_spec(cell=make_cell(replicas=2))
    return make_trial(spec=spec, failed=10, requests=(request,), **fields)


def test_a_failure_gets_the_line_of_the_log_that_explains_it() -> None:
    trial = evidence_of({"gthread-2": LOG}.__getitem__).explained(failed_trial())

    (example,) = trial.examples
    assert (example.name, example.status, example.replica) == ("GET /", 500, "gthread-2")
    assert example.log_line == (
        "psycopg.OperationalError: connection failed: FATAL:  sorry, too many clients already"
    )


def test_an_example_that_the_generator_gave_keeps_its_answer() -> None:
    given = AnswerExample(name="GET /", outcome="status", status=500, replica="gthread-2")

    trial = evidence_of(lambda _: LOG).explained(failed_trial(examples=(given,)))

    assert [(one.status, one.log_line is not None) for one in trial.examples] == [(500, True)]


def test_a_log_without_an_error_explains_nothing() -> None:
    trial = failed_trial()

    assert evidence_of(lambda _: "all is well\n").explained(trial) is trial


def test_logs_are_read_after_few_trials_of_a_cell_and_not_without_failures() -> None:
    read: list[str] = []

    def log_of(name: str) -> str:
        read.append(name)
        return LOG

    evidence = evidence_of(log_of)

    evidence.explained(make_trial())
    for _ in range(5):
        evidence.explained(failed_trial())

    assert read == ["gthread-2"] * MOST_LOOKS


def test_a_failure_of_the_connection_is_in_no_replicas_log() -> None:
    trial = failed_trial(failed_by="nobody")

    assert evidence_of(lambda _: LOG).explained(trial) is trial


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

    trial = evidence_of(logs.__getitem__).explained(failed)

    assert [one.log_line for one in trial.examples] == [ALERT if told else None]


OWN_PAGE = AnswerExample(name="GET /", outcome="status", status=500, body_start=PAGE)


def test_the_line_of_the_proxy_is_found_before_a_hundred_access_lines() -> None:
    access = '10.0.0.1 - - [29/Nov/2026:16:28:18 +0000] "GET / HTTP/1.1" 200 5\n'
    failed = failed_trial(failed_by="nobody", examples=(OWN_PAGE,))

    trial = evidence_of(lambda _: f"{ALERT}\n{access * 100}").explained(failed)

    assert [one.log_line for one in trial.examples] == [ALERT]


@pytest.mark.parametrize(("after_s", "told"), [(-0.5, False), (0.0, True), (2.5, True)])
def test_a_line_of_the_proxy_from_before_the_window_tells_of_another_trial(
    after_s: float, told: bool
) -> None:
    failed = replace(
        failed_trial(failed_by="nobody", examples=(OWN_PAGE,)), started_at_s=1_795_969_697.0
    )
    at = datetime.fromtimestamp(failed.started_at_s + after_s, UTC)
    line = f"{at:%Y-%m-%dT%H:%M:%S.%f}789Z {ALERT}"

    trial = evidence_of(lambda _: line).explained(failed)

    assert [one.log_line for one in trial.examples] == [line if told else None]


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


def test_a_list_that_is_too_short_is_not_laid_to_the_servers() -> None:
    with (
        pytest.raises(ListTooShort) as raised,
        compared_with_fewer(
            make_spec(cell=make_cell(replicas=2)),
            [make_trial(spec=make_spec(cell=make_cell(replicas=1)))],
        ),
    ):
        raise ListTooShort("USERS has 3 entries; 4 users need one each.")

    assert str(raised.value) == "USERS has 3 entries; 4 users need one each."
