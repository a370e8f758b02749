"""Answers from the check trial, given again: what a locustfile costs apart from the application.

Each request goes to the proxy's static answer, so that it costs the generator what it always does.
The user's code then gets the answer that the application gave to the same request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.generator.http.exchange import send
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.pool import Origin
from loadtests.generator.order import TrialOrder
from loadtests.generator.session.load import Exchange
from loadtests.generator.user_load.orders import LoadOrder

if TYPE_CHECKING:
    from loadtests.generator.session.target import Target
    from loadtests.generator.user_load.loads import UserLoads

KEPT_MAX = 1_000
"""Answers that are kept; a check trial has far fewer."""

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n"


class Recorded:
    """The answers of a check trial, by method and path."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Exchange] = {}
        self._by_method: dict[str, Exchange] = {}

    def send(self, target: Target, wire: bytes, deadline: float, limit_s: float) -> Exchange:
        """Exchange a request with the target, and keep the answer."""
        answer = send(target.origin, wire, deadline, limit_s, only_head=target.only_head)
        if answer[0] is Outcome.OK and len(self._answers) < KEPT_MAX:
            self._answers[target.method, target.path] = answer
            self._by_method.setdefault(target.method, answer)
        return answer

    def answer(self, method: str, path: str) -> Exchange:
        """Return what was answered to such a request, or to another one of its method."""
        found = self._answers.get((method, path)) or self._by_method.get(method)
        return found or (Outcome.OK, 200, OK, b"ok", 0.0)


class Replay:
    """Sends every request to one static address, and answers from what was recorded."""

    def __init__(self, recorded: Recorded, origin: Origin, path: str) -> None:
        self._recorded = recorded
        self._origin = origin
        self._wire = f"GET {path} HTTP/1.1\r\nHost: {origin.host}:{origin.port}\r\n\r\n".encode()

    def send(self, target: Target, _wire: bytes, deadline: float, limit_s: float) -> Exchange:
        """Exchange the static request; return the recorded answer with its moment."""
        outcome, status, raw, body, done = send(
            self._origin, self._wire, deadline, limit_s, only_head=False
        )
        if outcome is not Outcome.OK:
            return outcome, status, raw, body, done
        return *self._recorded.answer(target.method, target.path)[:4], done


def replayed(loads: UserLoads, load: LoadOrder, order: TrialOrder) -> Any:
    """Return what answers the requests of a trial whose order says ``replay``."""
    recorded = loads.recorded.setdefault(load.key, Recorded())
    return Replay(recorded, loads.pool.origin(order.base_url), order.path)
