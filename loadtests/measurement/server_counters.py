"""How many requests the proxy and the replicas say they have answered.

Their own counters, asked for between trials through the generator: nobody but the trials may have
moved them. A counter is remembered from one trial to the next, so that each is asked for once.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from loadtests.environments.protocol import Stack
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import ProcessFailure
from loadtests.model.generator_records import Answer
from loadtests.tools import nginx

METRICS_PATH = "/metrics"
FINISHED_COUNTER = "app_requests_finished_total"
_NUMBER = r"(\d+(?:\.\d+)?(?:e\+\d+)?)"
_FINISHED = re.compile(rf"^{FINISHED_COUNTER}(?:\{{[^}}]*\}})? {_NUMBER}", re.MULTILINE)

OK = 200


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Requests of one trial by the proxy's count and by its replicas'; None: cannot be asked."""

    proxy: int | None
    replicas: int | None


class Tally:
    """What the proxy and the replicas had counted when they were last asked."""

    def __init__(self, stack: Stack, agent: Agent) -> None:
        self._stack = stack
        self._agent = agent
        self._addresses = {replica.name: replica.address for replica in stack.replicas}
        self._proxy: int | None = None
        self._replicas: dict[str, int] = {}

    def start(self, active: Collection[str]) -> None:
        """Ask whoever was not asked after the last trial."""
        unknown = [name for name in active if name not in self._replicas]
        if unknown or self._proxy is None:
            self._ask(unknown)

    def forget(self) -> None:
        """Forget the counts: something else than a trial has sent requests."""
        self._proxy = None
        self._replicas.clear()

    def finish(self, active: Collection[str]) -> Counted:
        """Ask again, and give what was counted since."""
        proxy_before = self._proxy
        replicas_before = {name: self._replicas.get(name) for name in active}
        self._ask(list(active))
        replicas = [
            _since(self._replicas.get(name), replicas_before[name], own=0) for name in active
        ]
        counts = [count for count in replicas if count is not None]
        return Counted(
            # nginx counts the request for its status page before it answers it.
            proxy=_since(self._proxy, proxy_before, own=1),
            replicas=sum(counts) if len(counts) == len(replicas) else None,
        )

    def _ask(self, names: list[str]) -> None:
        urls = [self._stack.status_url]
        urls += [f"http://{self._addresses[name]}{METRICS_PATH}" for name in names]
        status, *metrics = self._agent.fetch(urls)
        self._proxy = _proxy_requests(status)
        for name, answer in zip(names, metrics, strict=True):
            counter = _FINISHED.search(answer.body) if answer.status == OK else None
            if counter is None:
                self._replicas.pop(name, None)
            else:
                self._replicas[name] = int(float(counter[1]))


def _proxy_requests(answer: Answer) -> int | None:
    if answer.status != OK:
        return None
    try:
        return nginx.parse_status(answer.body).requests
    except ProcessFailure:
        return None


def _since(after: int | None, before: int | None, *, own: int) -> int | None:
    return None if after is None or before is None else after - before - own
