"""Tests the client against a server with broken answers: ``fuzz.py CASES SEED``.

It prints one JSON object: the number of cases, how many the recorder and Locust's statistics
counted, the outcomes by kind of answer, and the cases with an outcome that is wrong for their kind.
"""

from __future__ import annotations

import itertools
import json
import random
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.queue import Queue
from gevent.server import StreamServer
from locust.env import Environment

from loadtests.generator.http import connection
from loadtests.generator.http.client import HttpClient
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.reporter import Reporter
from loadtests.generator.load import Load
from loadtests.generator.recorder import Recorder

USERS = 64
TIMEOUT_S = 0.25
LONGER_S = 0.5
"""Longer than the time limit and the interval of its checks."""

SEEN_S = 0.02
"""Time for the client to notice a closed connection."""

BODY_LIMIT_BYTES = 256 * 1024
"""Replaces the client's own limit, so that no case has to send 64 MiB."""

BREAK_OFF = struct.pack("ii", 1, 0)
"""SO_LINGER with 0 s: closing sends a reset."""

ANY = frozenset(Outcome)
BROKEN_OFF = frozenset({Outcome.RESET, Outcome.CLOSED_EARLY, Outcome.TRUNCATED})


@dataclass(frozen=True, kw_only=True)
class Case:
    """One answer: its pieces with a pause between, its end, and the outcomes allowed for it."""

    kind: str
    pieces: list[bytes]
    expected: frozenset[Outcome]
    pause_s: float = 0.0
    close: bool = False
    reset: bool = False
    method: str = field(default="GET")


def whole_answer(rng: random.Random) -> tuple[bytes, bool]:
    """Return a valid answer, and whether its body ends with the connection."""
    body = rng.randbytes(rng.choice((0, 1, 13, 700, 5_000)))
    interim = rng.choice((b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n", HINTS))
    fields = b"X-Filler: " + b"a" * rng.randrange(200) + b"\r\n"
    start = interim + b"HTTP/1.1 200 OK\r\n" + fields
    form = rng.choice(("length", "chunked", "closing", "no body"))
    if form == "length":
        return start + b"Content-Length: %d\r\n\r\n" % len(body) + body, False
    if form == "chunked":
        cut = rng.randrange(len(body) + 1)
        chunks = [part for part in (body[:cut], body[cut:]) if part]
        framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        return start + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n", False
    if form == "closing":
        return start + b"\r\n" + body, True
    return interim + b"HTTP/1.1 204 No Content\r\n" + fields + b"\r\n", False


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"


def in_pieces(rng: random.Random, answer: bytes) -> list[bytes]:
    """Return ``answer`` cut at up to three random places."""
    cuts = sorted(rng.randrange(len(answer) + 1) for _ in range(rng.randrange(4)))
    edges = (0, *cuts, len(answer))
    return [answer[a:b] for a, b in itertools.pairwise(edges) if b > a]


def sound(rng: random.Random) -> Case:
    """An answer without fault, in pieces."""
    answer, closing = whole_answer(rng)
    pieces = in_pieces(rng, answer)
    return Case(kind="sound", pieces=pieces, close=closing, expected=frozenset({Outcome.OK}))


def head_only(rng: random.Random) -> Case:
    """An answer to HEAD, which announces a body that does not come."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % rng.randrange(9_999)
    return Case(
        kind="head", method="HEAD", pieces=in_pieces(rng, answer), expected=frozenset({Outcome.OK})
    )


def failed(rng: random.Random) -> Case:
    """A whole answer with a status of failure."""
    status = rng.choice((400, 404, 429, 500, 502, 503, 504, 599))
    answer = b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status
    return Case(kind="status", pieces=in_pieces(rng, answer), expected=frozenset({Outcome.STATUS}))


def truncated(rng: random.Random) -> Case:
    """The beginning of an answer, and then the connection's end."""
    answer, closing = whole_answer(rng)
    part = answer[: rng.randrange(len(answer))]
    expected = {Outcome.TRUNCATED if part else Outcome.CLOSED_EARLY}
    if closing and b"\r\n\r\n" in part:
        expected.add(Outcome.OK)  # nobody can tell where such a body should have ended
    return Case(
        kind="truncated",
        pieces=in_pieces(rng, part),
        close=True,
        expected=frozenset(expected),
    )


def broken_off(rng: random.Random) -> Case:
    """The beginning of an answer, and then a reset."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"x" * 800
    part = answer[: rng.randrange(len(answer))]
    return Case(kind="reset", pieces=[part] if part else [], reset=True, expected=BROKEN_OFF)


def silent(rng: random.Random) -> Case:
    """Nothing, or the beginning of an answer, and then nothing for longer than the limit."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
    part = answer[: rng.randrange(len(answer))]
    return Case(
        kind="silent",
        pieces=[part, b""],
        pause_s=LONGER_S,
        close=True,
        expected=frozenset({Outcome.TIMEOUT}),
    )


def dribbled(rng: random.Random) -> Case:
    """A byte now and then: each comes in time, the answer as a whole does not."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n" + rng.randbytes(90)
    pieces = [answer[at : at + 1] for at in range(len(answer))]
    return Case(
        kind="dribbled",
        pieces=pieces,
        pause_s=2 * TIMEOUT_S / len(pieces),
        expected=frozenset({Outcome.TIMEOUT}),
    )


def large_head(rng: random.Random) -> Case:
    """A header without end, in one field or in many."""
    field_bytes = rng.choice((30, 1_000, 100_000))
    line = b"X-Filler: " + b"a" * field_bytes + b"\r\n"
    count = 2 * connection.MAX_HEAD_BYTES // len(line) + 1
    return Case(
        kind="large head",
        pieces=[b"HTTP/1.1 200 OK\r\n" + line * count],
        expected=frozenset({Outcome.HEADER_TOO_LARGE}),
    )


def large_body(rng: random.Random) -> Case:
    """A body beyond the limit, of a known or an unknown length."""
    length = rng.choice((b"Content-Length: 99999999\r\n", b""))
    return Case(
        kind="large body",
        pieces=[b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + b"x" * (2 * BODY_LIMIT_BYTES)],
        expected=frozenset({Outcome.BODY_TOO_LARGE}),
    )


def two_answers(rng: random.Random) -> Case:
    """Two answers to one request, at once."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    more = rng.choice((answer, b"garbage", b"\x00"))
    return Case(kind="two", pieces=[answer + more], expected=frozenset({Outcome.MALFORMED}))


def malformed(rng: random.Random) -> Case:
    """Something that is not HTTP, or breaks a rule of it."""
    answer = rng.choice(
        (
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"<html>no header</html>\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        )
    )
    return Case(kind="malformed", pieces=[answer], expected=frozenset({Outcome.MALFORMED}))


def noise(rng: random.Random) -> Case:
    """Random bytes."""
    pieces = [rng.randbytes(rng.randrange(1, 4_000))]
    return Case(kind="noise", pieces=pieces, close=True, expected=ANY - {Outcome.OK})


def flipped(rng: random.Random) -> Case:
    """An answer with some bytes changed: it may still be one."""
    answer, closing = whole_answer(rng)
    changed = bytearray(answer)
    for _ in range(rng.randrange(1, 4)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return Case(
        kind="flipped",
        pieces=in_pieces(rng, bytes(changed)),
        close=closing or rng.random() < 0.5,
        expected=ANY,
    )


KINDS: tuple[Callable[[random.Random], Case], ...] = (
    sound,
    head_only,
    failed,
    truncated,
    broken_off,
    silent,
    dribbled,
    large_head,
    large_body,
    two_answers,
    malformed,
    noise,
    flipped,
)


def make_cases(count: int, seed: int) -> list[Case]:
    """Return ``count`` cases, of all kinds in turn."""
    rng = random.Random(seed)
    return [KINDS[number % len(KINDS)](rng) for number in range(count)]


def answer_with(cases: list[Case]) -> Callable[[Any, Any], None]:
    """Return a server's handler that answers ``GET /7`` with case 7."""

    def handle(client: Any, _address: Any) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while request := client.recv(65_536):
                case = cases[int(request.split(b" ", 2)[1].strip(b"/"))]
                for number, piece in enumerate(case.pieces):
                    if number:
                        gevent.sleep(case.pause_s)
                    client.sendall(piece)
                if case.reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, BREAK_OFF)
                if case.reset or case.close:
                    break
        except OSError:
            pass  # the client closed the connection first
        client.close()

    return handle


def run_cases(count: int, seed: int) -> dict[str, Any]:
    """Run ``count`` cases and return what is printed."""
    connection.MAX_BODY_BYTES = BODY_LIMIT_BYTES
    cases = make_cases(count, seed)
    server = StreamServer(("127.0.0.1", 0), answer_with(cases))
    server.start()
    environment = Environment()
    environment.create_local_runner()
    recorder = Recorder()
    left: Queue[int] = Queue(items=range(count))
    counted: Counter[str] = Counter()
    wrong: list[str] = []

    def ask() -> None:
        client = HttpClient(
            base_url=f"http://127.0.0.1:{server.server_port}",
            load=Load(recorder=recorder, timeout_s=TIMEOUT_S),
            reporter=Reporter(environment, recorder, dict),
        )
        while not left.empty():
            number = left.get()
            case = cases[number]
            outcome = client.request(case.method, f"/{number}", name=case.kind).outcome
            counted[f"{case.kind}: {outcome.name.lower()}"] += 1
            if outcome not in case.expected:
                wrong.append(f"{case.kind} {number}: {outcome.name} for {case.pieces[:3]!r:.200}")
            # If a server closes while the next request is on its way, that request is lost
            # (RFC 9112, 9.3.1). This waits, because that case is not tested here.
            gevent.sleep(SEEN_S)

    users = [gevent.spawn(ask) for _ in range(USERS)]
    gevent.joinall(users, raise_error=True)
    return {
        "cases": count,
        "recorded": len(recorder),
        "in_locust_statistics": environment.stats.total.num_requests,
        "counted": dict(sorted(counted.items())),
        "wrong": wrong,
    }


if __name__ == "__main__":
    print(json.dumps(run_cases(int(sys.argv[1]), int(sys.argv[2]))), flush=True)
