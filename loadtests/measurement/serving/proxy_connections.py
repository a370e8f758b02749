"""The connections of our proxy, which are closed by giving it a new worker process."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.environments.protocol import RenewsProxy, Stack
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.server_counters import ServerCounters
from loadtests.model.plan import Upstream
from loadtests.model.vocabulary import Role
from loadtests.tools import proc

LIMIT_S = 10.0
"""How long nginx may take to start another worker; it usually takes 10 ms."""

POLL_S = 0.005

OK = 200


class ProxyConnections:
    """The connections of a stack's proxy, to users and to replicas.

    ``counters`` have to forget the proxy's count, which grows when its worker is asked for.
    """

    def __init__(self, stack: Stack, agent: Agent, counters: ServerCounters) -> None:
        self._stack = stack
        self._agent = agent
        self._counters = counters
        self._must_close = False
        self.has_closed = False
        """Whether those that there were have been closed."""

    def configure(self, upstreams: Sequence[Upstream]) -> None:
        """Configure the proxy, and note whether it must close its connections between trials."""
        self._must_close = any(upstream.idle and upstream.idle.most for upstream in upstreams)
        self._stack.configure_proxy(upstreams)

    def after_trial(self) -> None:
        """Close them where the proxy keeps idle ones for longer than by its own default.

        Else they would be closed in the window of another trial, at the cost of replicas that
        should do nothing there.
        """
        if self._must_close:
            self.close_all()

    def close_all(self) -> None:
        """Close them, if the proxy is ours.

        Raises :class:`EnvironmentFailure` if nginx starts no other worker.
        """
        stack = self._stack
        before = self._worker()
        if before is None or not isinstance(stack, RenewsProxy):
            return
        stack.end_proxy_worker(before)
        proc.wait_until(
            lambda: self._worker() not in (None, before),
            limit_s=LIMIT_S,
            every_s=POLL_S,
            failure=lambda: (
                f"The proxy started no new worker process in {LIMIT_S:g} s. The end of its log:\n"
                + self._stack.log_of(Role.PROXY)
            ),
        )
        self.has_closed = True

    def _worker(self) -> int | None:
        """Return the id of the proxy's worker process; None where nothing tells it."""
        if self._stack.status_url is None:
            return None
        self._counters.forget_proxy()
        url = self._stack.status_url.rpartition("/")[0] + "/worker"
        answer = self._agent.fetch([url])[0]
        text = answer.body.strip()
        return int(text) if answer.status == OK and text.isdecimal() else None
