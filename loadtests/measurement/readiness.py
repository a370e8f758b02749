"""Waits until the replicas and the proxy of a stack answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from loadtests.analysis.shared.statuses import FIRST_SERVER_ERROR
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import START_LIMIT_S
from loadtests.model.stack import Replica
from loadtests.tools import proc

READY_LIMIT_S = START_LIMIT_S
"""Seconds until a replica has to answer; with a tenth of a core Flask needs about 20 s."""

ASKS_IN_THE_LIMIT = 6
"""A request may take this part of the limit; then replicas without an answer are asked again."""

PROXY_LIMIT_S = 20.0
"""Seconds until nginx has to answer, with room for a busy machine."""

INSTEAD = {
    "timeout": "the answer did not come in time",
    "reset": "the connection was reset",
    "closed_early": "the connection was closed without an answer",
    "truncated": "the connection was closed in the middle of an answer",
    "malformed": "what came is no answer of HTTP/1.1; it may speak HTTP/2 or TLS",
}
"""What the generator's names of failures mean; others are errors of the system as they are."""


def wait_ready(
    agent: Agent,
    replicas: Sequence[Replica],
    *,
    path: str,
    ended: Callable[[Collection[str]], str | None],
    not_ready: Callable[[Sequence[Replica], float], str],
    limit_s: float = READY_LIMIT_S,
    laggard_limit_s: float | None = None,
    ended_every_s: float = 0.0,
) -> None:
    """Wait until every replica has answered; raise :class:`EnvironmentFailure` at the limit.

    Each is asked for ``path`` (with query).

    Every ``ended_every_s`` seconds ``ended`` gets the names without an answer, and returns an error
    message if one of these replicas has exited. ``not_ready`` returns the error message at the
    limit ``limit_s``. After the first answer, the other replicas of the same worker model or
    version have ``laggard_limit_s`` seconds left, if it is given. Those that answer when they are
    first asked do not count there: they may have been up long before the others.
    """
    waiting = {replica.name: replica for replica in replicas}
    began_s = asked_s = proc.monotonic_s()
    deadlines_s = {replica.worker: began_s + limit_s for replica in replicas}
    ask_limit_s = limit_s / ASKS_IN_THE_LIMIT
    is_first = True

    def all_answer() -> bool:
        nonlocal asked_s, is_first
        for name in _answering(agent, tuple(waiting.values()), path, ask_limit_s):
            worker = waiting.pop(name).worker
            if laggard_limit_s is not None and not is_first:
                left_s = proc.monotonic_s() + laggard_limit_s
                deadlines_s[worker] = min(deadlines_s[worker], left_s)
        is_first = False
        now_s = proc.monotonic_s()
        if waiting and now_s - asked_s >= ended_every_s:
            asked_s = now_s
            if message := ended(waiting):
                raise EnvironmentFailure(message)
        late = tuple(each for each in waiting.values() if now_s > deadlines_s[each.worker])
        if late:
            raise EnvironmentFailure(failure(late))
        return not waiting

    def failure(late: Sequence[Replica] = ()) -> str:
        return not_ready(late or tuple(waiting.values()), proc.monotonic_s() - began_s)

    proc.wait_until(all_answer, limit_s=limit_s + ask_limit_s, failure=failure)


def _answering(agent: Agent, replicas: Sequence[Replica], path: str, limit_s: float) -> list[str]:
    """Send a request to all replicas, and return the names of those that answer."""
    urls = [f"http://{replica.address}{path}" for replica in replicas]
    answers = agent.fetch(urls, timeout_s=limit_s)
    return [
        replica.name
        for replica, answer in zip(replicas, answers, strict=True)
        if answer.status is not None and answer.status < FIRST_SERVER_ERROR
    ]


def wait_for_proxy(agent: Agent, url: str, log: Callable[[], str]) -> None:
    """Wait until the proxy answers at ``url``; raise with the end of its log."""
    proc.wait_until(
        lambda: agent.fetch([url])[0].status is not None,
        limit_s=PROXY_LIMIT_S,
        failure=lambda: (
            f"The proxy did not answer in {PROXY_LIMIT_S:g} s. The end of its log:\n{log()}"
        ),
    )


def wait_for_url(agent: Agent, base_url: str, path: str) -> None:
    """Wait until a deployment answers for ``path``; raise with what came instead at last."""
    url, error = f"{base_url}{path}", ""

    def answers() -> bool:
        nonlocal error
        answer = agent.fetch([url])[0]
        error = answer.error or ""
        return answer.status is not None

    proc.wait_until(
        answers,
        limit_s=PROXY_LIMIT_S,
        failure=lambda: (
            f"The deployment did not answer at {url} in {PROXY_LIMIT_S:g} s. The last time:"
            f" {INSTEAD.get(error, error)}. Ask it by hand: curl -v {url}"
        ),
    )
