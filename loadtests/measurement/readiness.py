"""Waits until the replicas of a stack answer, and its proxy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.stack import Replica
from loadtests.tools import proc

READY_LIMIT_S = 90.0
"""How long a replica may take to answer first: at a tenth of a core Flask needs some 20 s."""

ASK_LIMIT_S = READY_LIMIT_S / 6
"""How long one answer is waited for, before all that have not answered yet are asked again."""

PROXY_LIMIT_S = 20.0
"""How long nginx may take to start, with room for a machine that is busy."""

HEALTH_PATH = "/healthz"

SERVER_ERROR = 500
"""An answer below this status shows that a replica serves, whatever it thinks of the request."""


def wait_ready(
    agent: Agent,
    replicas: Sequence[Replica],
    *,
    ended: Callable[[Collection[str]], str | None],
    not_ready: Callable[[Sequence[Replica], float], str],
    laggard_limit_s: float = READY_LIMIT_S,
    ended_every_s: float = 0.0,
) -> None:
    """Wait until every replica has answered once; raise :class:`EnvironmentFailure` at the limit.

    ``ended`` is asked every ``ended_every_s`` seconds for the message of a replica that has ended,
    given the names of those that have not answered. ``not_ready`` makes the message of those that
    have not answered after so many seconds. Once one has answered, the others have
    ``laggard_limit_s`` left.
    """
    waiting = {replica.name: replica for replica in replicas}
    began_s = asked_s = proc.monotonic_s()
    deadline_s = began_s + READY_LIMIT_S

    def all_answer() -> bool:
        nonlocal asked_s, deadline_s
        for name in _answering(agent, tuple(waiting.values())):
            del waiting[name]
            deadline_s = min(deadline_s, proc.monotonic_s() + laggard_limit_s)
        now_s = proc.monotonic_s()
        if waiting and now_s - asked_s >= ended_every_s:
            asked_s = now_s
            if message := ended(waiting):
                raise EnvironmentFailure(message)
        if waiting and now_s > deadline_s:
            raise EnvironmentFailure(failure())
        return not waiting

    def failure() -> str:
        return not_ready(tuple(waiting.values()), proc.monotonic_s() - began_s)

    proc.wait_until(all_answer, limit_s=READY_LIMIT_S + ASK_LIMIT_S, failure=failure)


def _answering(agent: Agent, replicas: Sequence[Replica]) -> list[str]:
    """Ask all at once, and give the names of those that answer."""
    urls = [f"http://{replica.address}{HEALTH_PATH}" for replica in replicas]
    answers = agent.fetch(urls, timeout_s=ASK_LIMIT_S)
    return [
        replica.name
        for replica, answer in zip(replicas, answers, strict=True)
        if answer.status is not None and answer.status < SERVER_ERROR
    ]


def wait_for_proxy(agent: Agent, url: str, log: Callable[[], str]) -> None:
    """Wait until ``url``, which the proxy serves, is answered; raise with the end of its log."""
    proc.wait_until(
        lambda: agent.fetch([url])[0].status is not None,
        limit_s=PROXY_LIMIT_S,
        failure=lambda: (
            f"The proxy did not answer in {PROXY_LIMIT_S:g} s. The end of its log:\n{log()}"
        ),
    )
