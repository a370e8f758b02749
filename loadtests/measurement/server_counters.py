"""Reads the request counters of the proxy and the replicas.

They are read through the generator between trials, so only trials may increase them. The counts are
kept from one trial to the next, so that each counter is read once per trial.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from loadtests.environments.protocol import Stack
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import ProcessFailure
from loadtests.model.generator_records import Answer
from loadtests.model.stack import Replica
from loadtests.tools import nginx

METRICS_PATH = "/metrics"
FINISHED_COUNTER = "app_requests_finished_total"
_NUMBER = r"(\d+(?:\.\d+)?(?:e\+\d+)?)"
_FINISHED = re.compile(rf"^{FINISHED_COUNTER}(?:\{{[^}}]*\}})? {_NUMBER}", re.MULTILINE)

OK = 200


@dataclass(frozen=True, kw_only=True)
class RequestCounts:
    """Requests of one trial as counted by the proxy and by the replicas; None if unknown."""

    proxy: int | None
    replicas: int | None


class ServerCounters:
    """The last known counts of the proxy and the replicas."""

    def __init__(self, stack: Stack, agent: Agent, *, count_in_replicas: bool = True) -> None:
        """Without ``count_in_replicas``, replicas are not asked, and their count is unknown."""
        self._count_in_replicas = count_in_replicas
        self._stack = stack
        self._agent = agent
        self._proxy: int | None = None
        self._replicas: dict[str, int] = {}

    def start(self, active: Collection[str]) -> None:
        """Read the counters that are unknown since the last trial."""
        unknown = [name for name in self._asked(active) if name not in self._replicas]
        if unknown or self._proxy is None:
            self._read(unknown)

    def forget(self) -> None:
        """Forget all counts, because requests outside a trial increased them."""
        self._proxy = None
        self._replicas.clear()

    def forget_proxy(self) -> None:
        """Forget the proxy's count alone, because it was asked for something else."""
        self._proxy = None

    def finish(self, active: Collection[str]) -> RequestCounts:
        """Read the counters again, and return the increase since the start."""
        proxy_before = self._proxy
        replicas_before = {name: self._replicas.get(name) for name in active}
        self._read(self._asked(active))
        replicas = [
            _since(self._replicas.get(name), replicas_before[name], own=0) for name in active
        ]
        counts = [count for count in replicas if count is not None]
        return RequestCounts(
            # nginx counts the request for its status page before answering it.
            proxy=_since(self._proxy, proxy_before, own=1),
            replicas=sum(counts) if len(counts) == len(replicas) else None,
        )

    def _asked(self, active: Collection[str]) -> list[str]:
        return list(active) if self._count_in_replicas else []

    def _read(self, names: list[str]) -> None:
        if self._stack.status_url is None:
            return
        addresses = {replica.name: replica.address for replica in self._stack.replicas}
        urls = [self._stack.status_url]
        urls += [f"http://{addresses[name]}{METRICS_PATH}" for name in names]
        status, *metrics = self._agent.fetch(urls)
        self._proxy = _proxy_requests(status)
        for name, answer in zip(names, metrics, strict=True):
            count = _finished(answer)
            if count is None:
                self._replicas.pop(name, None)
            else:
                self._replicas[name] = count


def finished_requests(agent: Agent, replicas: Sequence[Replica]) -> dict[str, int]:
    """Return how many requests each replica has answered since its start, by its own count.

    Replicas that tell no count are left out.
    """
    answers = agent.fetch([f"http://{replica.address}{METRICS_PATH}" for replica in replicas])
    counts = zip((replica.name for replica in replicas), map(_finished, answers), strict=True)
    return {name: count for name, count in counts if count is not None}


def _finished(answer: Answer) -> int | None:
    counter = _FINISHED.search(answer.body) if answer.status == OK else None
    return int(float(counter[1])) if counter else None


def _proxy_requests(answer: Answer) -> int | None:
    if answer.status != OK:
        return None
    try:
        return nginx.parse_status(answer.body).requests
    except ProcessFailure:
        return None


def _since(after: int | None, before: int | None, *, own: int) -> int | None:
    return None if after is None or before is None else after - before - own
