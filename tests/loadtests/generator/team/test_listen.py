"""The handshake between both sides; in the place of a generator, ``cat`` repeats the orders."""

import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from loadtests.generator.team import link, started
from loadtests.generator.team.handshake import Join, Unusable
from loadtests.generator.team.link import Link, Lost
from loadtests.generator.team.listen import Listener

KEY = b"0123456789abcdef"
JOIN = Join(number=0, of=2, processes=3, variables={"TWOFOLD_MAX_RPS": "5"})

Started = list[tuple[Sequence[str], Mapping[str, str]]]


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> Started:
    seen: Started = []

    def start(
        connection: socket.socket, words: Sequence[str], env: Mapping[str, str]
    ) -> started.Program:
        seen.append((words, env))
        return subprocess.Popen(["cat"], stdin=connection.fileno(), stdout=connection.fileno())

    monkeypatch.setattr(started, "on_connection", start)
    return seen


@pytest.fixture
def address(began: Started) -> Iterator[str]:
    listener = Listener("127.0.0.2:0", KEY)
    threading.Thread(target=listener.serve, daemon=True).start()
    yield f"127.0.0.2:{listener.port}"
    listener.end()


def said(one: Link) -> dict[str, object]:
    one.say({"event": "clock", "id": "x"})  # which comes back
    return one.hear(5.0, "clock")[1]


def test_who_knows_the_secret_gets_a_generator_for_its_part(address: str, began: Started) -> None:
    one = link.connect(address, KEY, JOIN)

    assert said(one) == {"event": "clock", "id": "x"}
    assert began == [(("--processes", "3", "--part", "0/2"), {"TWOFOLD_MAX_RPS": "5"})]
    one.close()


def test_who_does_not_know_it_gets_none(address: str, began: Started) -> None:
    with pytest.raises(Unusable, match="does not know the secret"):
        link.connect(address, b"another secret!!", JOIN)

    assert began == []


def test_a_second_harness_has_to_wait_until_the_first_has_gone(address: str) -> None:
    first = link.connect(address, KEY, JOIN)

    with pytest.raises(Unusable, match="for another harness"):
        link.connect(address, KEY, JOIN)

    first.close()
    again = None
    for _ in range(100):
        try:
            again = link.connect(address, KEY, JOIN)
            break
        except Unusable:
            threading.Event().wait(0.02)
    assert again is not None
    assert said(again)["id"] == "x"
    again.close()


def test_a_generator_that_ends_is_lost(address: str) -> None:
    one = link.connect(address, KEY, JOIN)
    one.close()

    with pytest.raises(Lost, match="has ended"):
        one.hear(5.0, "clock")


def test_a_line_that_is_no_answer_is_a_loss_too(address: str) -> None:
    one = link.connect(address, KEY, JOIN)
    one.say({"event": "finished"})

    with pytest.raises(Lost, match="sent 'finished', not clock"):
        one.hear(5.0, "clock")
    one.close()


@pytest.mark.parametrize("first", ["127.0.0.3", "::1"])
def test_a_name_with_several_addresses_is_tried_at_each(
    address: str, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``localhost`` has two, for example, and a listener has one of them."""
    port = int(address.rpartition(":")[2])
    entries = [
        (
            socket.AF_INET6 if ":" in host else socket.AF_INET,
            socket.SOCK_STREAM,
            6,
            "",
            (host, port),
        )
        for host in (first, "127.0.0.2")
    ]
    really = socket.getaddrinfo

    def resolve(host: str, *words: Any, **fields: Any) -> Any:
        return entries if host == "worker" else really(host, *words, **fields)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    one = link.connect(f"worker:{port}", KEY, JOIN)

    assert said(one)["id"] == "x"
    one.close()


def test_a_name_of_which_no_address_answers_is_told_with_the_last_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", 1)) for n in (4, 5)]
    really = socket.getaddrinfo

    def resolve(host: str, *words: Any, **fields: Any) -> Any:
        return entries if host == "worker" else really(host, *words, **fields)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    with pytest.raises(Unusable, match=r"No generator answers at worker:1 \(.*refused"):
        link.connect("worker:1", KEY, JOIN)


def test_nothing_outside_of_private_networks_is_connected_to_or_listened_at() -> None:
    with pytest.raises(Unusable, match="neither loopback nor private"):
        link.connect("8.8.8.8:8089", KEY, JOIN)
    with pytest.raises(Unusable, match="private network only"):
        Listener("8.8.8.8:8089", KEY)


def test_an_impostor_who_accepts_everybody_is_told_apart() -> None:
    server = socket.create_server(("127.0.0.2", 0))

    def accept() -> None:
        connection, _ = server.accept()
        with connection, connection.makefile("rwb") as stream:
            stream.write(b'{"twofold": 1, "nonce": "n"}\n')
            stream.flush()
            stream.readline()
            stream.write(b'{"proof": "right, believe me"}\n')
            stream.flush()

    threading.Thread(target=accept, daemon=True).start()
    with pytest.raises(Unusable, match="does not know the secret"):
        link.connect(f"127.0.0.2:{server.getsockname()[1]}", KEY, JOIN)
    server.close()
