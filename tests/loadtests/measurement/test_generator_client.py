import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import (
    EXIT_ENVIRONMENT,
    GeneratorFailure,
    ListTooShort,
    TwofoldError,
    UnusableLoad,
    UsageError,
)
from loadtests.model.generator_records import Ask, Load, LoadDone
from tests.loadtests.fakes import ScriptedChild, finished_event, says

LOAD = Load(
    id="r01-01-gthread-cpu-1",
    base_url="http://proxy:9001",
    path="/cpu",
    users=4,
    settle_s=0.6,
    window_s=2.0,
    drain_limit_s=15.0,
)
OPENED = {"event": "opened", "id": LOAD.id, "at_s": 1.0}
CLOSED = {"event": "closed", "id": LOAD.id, "at_s": 3.0}


def a_part(data: bytes) -> dict[str, Any]:
    return {"event": "samples", "data": base64.b64encode(data).decode()}


def put_on(child: ScriptedChild, calls: list[str] | None = None) -> LoadDone:
    heard = [] if calls is None else calls
    return Agent(child).load(
        LOAD,
        on_opened=lambda: heard.append("opened"),
        on_closed=lambda: heard.append("closed"),
    )


def test_a_greeting_tells_the_versions() -> None:
    greeting = {"event": "hello", "protocol": 1, "locust": "2.47.0"}
    child = says(greeting)

    assert Agent(child).hello() == greeting
    assert child.sent == ['{"op": "hello"}']


def test_another_protocol_is_refused_with_a_way_out() -> None:
    with pytest.raises(GeneratorFailure, match=r"uses protocol 2, and twofold 1.*twofold down"):
        Agent(says({"event": "hello", "protocol": 2})).hello()


def test_a_load_is_asked_for_without_what_is_not_set() -> None:
    child = says(OPENED, CLOSED, finished_event())

    put_on(child)

    assert json.loads(child.sent[0]) == {
        "op": "trial",
        "id": "r01-01-gthread-cpu-1",
        "base_url": "http://proxy:9001",
        "path": "/cpu",
        "mode": "closed",
        "users": 4,
        "settle_s": 0.6,
        "window_s": 2.0,
        "drain_limit_s": 15.0,
        "timeout_s": 30.0,
    }


def test_the_edges_are_called_back_in_order_and_the_parts_joined() -> None:
    calls: list[str] = []
    child = says(OPENED, CLOSED, a_part(b"first "), a_part(b"second"), finished_event(sent=7))

    done = put_on(child, calls)

    assert calls == ["opened", "closed"]
    assert done.samples == b"first second"
    assert done.finished.sent == 7


def test_a_field_of_a_later_version_is_passed_over() -> None:
    done = put_on(says(OPENED, CLOSED, finished_event(metronome="allegro")))

    assert done.finished.id == LOAD.id


def test_fetched_answers_come_in_the_order_asked() -> None:
    child = says(
        {
            "event": "fetched",
            "id": "f1",
            "answers": [
                {"url": "http://a/", "status": 200, "headers": {"x": "y"}, "body": "yes"},
                {"url": "http://b/", "status": None, "headers": {}, "body": "", "error": "refused"},
            ],
        }
    )

    first, second = Agent(child).fetch(["http://a/", "http://b/"], timeout_s=2.0)

    assert (first.status, first.headers, first.body) == (200, {"x": "y"}, "yes")
    assert (second.status, second.error) == (None, "refused")
    assert json.loads(child.sent[0])["urls"] == ["http://a/", "http://b/"]


def test_requests_are_asked_as_they_are_told() -> None:
    answer = {"url": "http://a/", "status": 200, "cookies": "a=1"}
    child = says({"event": "fetched", "id": "f1", "answers": [answer]})

    (found,) = Agent(child).ask([Ask(url="http://a/", method="POST", headers={"X": "y"}, body="b")])

    assert (found.status, found.cookies) == (200, "a=1")
    assert json.loads(child.sent[0])["requests"] == [
        {"url": "http://a/", "method": "POST", "headers": {"X": "y"}, "body": "b"}
    ]
    assert Agent(says()).ask([]) == ()


def test_nothing_is_asked_where_there_is_nothing_to_fetch() -> None:
    child = says()

    assert Agent(child).fetch([]) == ()
    assert child.sent == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Traceback (most recent call last):", r"wrote 'Traceback .*', not JSON"),
        ("[1, 2]", "not an object"),
        ({"event": "error", "kind": "memory", "detail": "none left"}, "memory: none left"),
        ({"event": "closed"}, "sent 'closed' instead of opened"),
        ({"at_s": 1}, "sent None instead of opened"),
    ],
)
def test_what_does_not_belong_there_is_one_failure(
    line: str | Mapping[str, Any], message: str
) -> None:
    with pytest.raises(GeneratorFailure, match=message) as failure:
        put_on(says(line))
    assert failure.value.exit_code == EXIT_ENVIRONMENT


@pytest.mark.parametrize(
    ("kind", "error"),
    [("users", UnusableLoad), ("list", ListTooShort), ("elsewhere", UsageError)],
)
def test_what_is_wrong_with_the_load_itself_is_said_as_it_is(
    kind: str, error: type[TwofoldError]
) -> None:
    with pytest.raises(error) as raised:
        put_on(says({"event": "error", "kind": kind, "detail": "USERS has 3 entries."}))

    assert (type(raised.value), str(raised.value)) == (error, "USERS has 3 entries.")


@pytest.mark.parametrize(
    "event",
    [
        {"event": "finished", "id": LOAD.id},
        finished_event(sent="many"),
        {"event": "samples"},
        {"event": "samples", "data": "*not base64*"},
        {"event": "samples", "data": 7},
    ],
)
def test_an_event_without_sense_is_one_failure(event: dict[str, Any]) -> None:
    with pytest.raises(GeneratorFailure, match=r"is invalid|cannot be read"):
        put_on(says(OPENED, CLOSED, event))


@pytest.mark.parametrize("answers", [{}, {"answers": [{"url": "http://a/"}]}])
def test_an_answer_without_sense_is_one_failure(answers: dict[str, Any]) -> None:
    with pytest.raises(GeneratorFailure, match="is invalid"):
        Agent(says({"event": "fetched"} | answers)).fetch(["http://a/"])


@pytest.mark.parametrize("events", [(), (OPENED,), (OPENED, CLOSED), (OPENED, CLOSED, a_part(b""))])
def test_a_generator_that_ends_at_any_point_is_a_failure_that_names_its_log(
    events: tuple[dict[str, Any], ...],
) -> None:
    with pytest.raises(GeneratorFailure, match=r"fake\.log"):
        put_on(says(*events))
