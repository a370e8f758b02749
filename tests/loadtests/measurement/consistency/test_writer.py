"""What a client writes at its home, and what it sends once more."""

from __future__ import annotations

import random
from collections.abc import Callable

from loadtests.analysis.consistency.conversation import Conversation
from loadtests.measurement.consistency.client import Client
from loadtests.measurement.consistency.writer import MOST_REWORDED, Writer
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec
from tests.loadtests.measurement.consistency.site import request

NOTE = request("POST /notes", name="POST /notes", json={"text": "remember the milk"})

Answers = Callable[[RequestSpec], int]


class ClientInMemory(Client):
    """A client of a server that answers by ``status_of``; each answer sets a cookie."""

    def __init__(self, status_of: Answers) -> None:
        self._status_of = status_of
        self._bearer = None
        self.sent: list[RequestSpec] = []
        self.cookies = ""

    def send(self, server: str, request: RequestSpec) -> Seen:
        self.sent.append(request)
        self.cookies = f"answers={len(self.sent)}"
        return Seen(replica=server, status=self._status_of(request))


def a_writer(status_of: Answers, talk: Conversation) -> tuple[Writer, ClientInMemory]:
    client = ClientInMemory(status_of)
    writer = Writer(
        client=client, talk=talk, home="gthread-1", rng=random.Random(1), words=random.Random(2)
    )
    return writer, client


def fields_of(asked: RequestSpec) -> tuple[str, str | None]:
    form = asked.form or {}
    return form["user"], form.get("amount")


def accepts(_: RequestSpec) -> int:
    return 201


def accepts_as_it_is(asked: RequestSpec) -> int:
    return 201 if asked == NOTE else 422


def test_a_write_that_tells_nothing_is_sent_once_more_with_a_word_of_its_own() -> None:
    writer, client = a_writer(accepts, Conversation(values={}))
    writer.write(NOTE)

    assert writer.write_again(0)

    (one,) = writer.writes
    assert (one.first, one.request) == (NOTE, client.sent[-1])
    assert one.word
    assert one.word in str(one.request.json)
    assert writer.sent == [NOTE, one.request]


def test_a_write_is_sent_once_more_and_no_more_than_that() -> None:
    writer, client = a_writer(accepts, Conversation(values={}))
    writer.write(NOTE)
    writer.write_again(0)

    assert not writer.write_again(0)
    assert len(client.sent) == 2


def test_an_application_that_refuses_other_words_leaves_write_and_cookies_as_they_were() -> None:
    writer, client = a_writer(accepts_as_it_is, Conversation(values={}))
    writer.write(NOTE)

    assert not writer.write_again(0)

    assert 1 < len(client.sent) <= 1 + MOST_REWORDED
    assert client.cookies == "answers=1"
    assert writer.sent == [NOTE, NOTE]


def test_another_write_of_the_load_has_new_values_and_the_users_own_row() -> None:
    users = tuple(f"user-{number}" for number in range(1000))
    login = request("POST /login", form={"user": "{user}"})
    write = request("POST /notes", form={"user": "{user}", "amount": "{1..1000000}"})
    talk = Conversation(start=(login,), writes=(write,), values={"user": users})
    writer, client = a_writer(accepts, talk)
    writer.log_in(login)
    writer.write(write)

    again = writer.filled_anew(write)

    (user, amount), (user_before, amount_before) = fields_of(again), fields_of(client.sent[-1])
    assert user == user_before == fields_of(writer.logins[0])[0]
    assert amount != amount_before
