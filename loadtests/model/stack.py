"""Readings of a running stack: its replicas and counters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from loadtests.model.vocabulary import Role


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One replica as it runs; ``address`` is ``ip:port``.

    ``worker`` is what it has in common with others: the worker model in a run, the version in a
    gate. ``number`` counts these from 1.
    """

    name: str
    worker: str
    number: int
    address: str
    identity: str
    """What must stay the same during a run: the container or the process."""


@dataclass(frozen=True, kw_only=True)
class ReplicaState:
    """A replica that does not answer, looked at from outside.

    ``exit_code`` is None while it runs, and negative for a signal. ``listening`` are the
    ``host:port`` of its listening sockets; None where they cannot be seen.
    """

    exit_code: int | None = None
    out_of_memory: bool = False
    listening: tuple[str, ...] | None = None


_ENGINE_TIME = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z ", re.MULTILINE)


def without_times(log: str) -> str:
    """Return a log without the time that Docker writes before each line."""
    return _ENGINE_TIME.sub("", log)


@dataclass(frozen=True, kw_only=True)
class LogLines:
    """The lines of a member's log; ``is_whole`` is False where only the last ones could be read."""

    lines: Iterable[str]
    is_whole: bool = True


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The counters of one member at one moment; all but memory only grow.

    ``at_s`` is the middle of the ``took_s`` seconds that reading took. ``asked_at_s`` is the moment
    before, where a program of the user's reads them. ``limit_cpus`` is what the member itself says
    of its CPU limit. One that is ``elsewhere`` may be on another machine than the generator.
    """

    member: str
    role: Role
    at_s: float
    cpu_s: float
    periods: int | None = None
    throttled_periods: int | None = None
    throttled_s: float | None = None
    memory_bytes: int | None = None
    limit_cpus: float | None = None
    took_s: float = 0.0
    asked_at_s: float | None = None
    elsewhere: bool = False

    def periods_since(self, before: Reading) -> int | None:
        """Return how many CPU periods the kernel counted since a reading, if it counts them."""
        if self.periods is None or before.periods is None:
            return None
        return self.periods - before.periods

    def grew_from(self, before: Reading) -> bool:
        """Return whether no counter went back since an earlier reading.

        One that did belongs to something that was started anew, so there is no difference.
        """
        pairs = (
            (before.cpu_s, self.cpu_s),
            (before.throttled_s, self.throttled_s),
            (before.periods, self.periods),
            (before.throttled_periods, self.throttled_periods),
        )
        return all(old is None or new is None or new >= old for old, new in pairs)


@dataclass(frozen=True, kw_only=True)
class DeploymentSeen:
    """What hooks told of a deployment that was scaled, at the edges of a window.

    ``nodes`` has the node of each replica of which it is known. ``uncounted`` says in a sentence
    which replicas the hook ``counters`` left out, and None that it left out none.
    """

    nodes: Mapping[str, str] = field(default_factory=dict)
    uncounted: str | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkReading:
    """TCP's counters where a member is: segments sent, sent again, and timers that ran out."""

    member: str
    segments: int
    retransmitted: int
    timeouts: int


@dataclass(frozen=True, kw_only=True)
class HostReading:
    """CPU-seconds of the machine's cores at one moment, over the cores that the run uses."""

    at_s: float
    busy_s: float
    steal_s: float
    idle_s: float
    cores: int


@dataclass(frozen=True, kw_only=True)
class NodeReading:
    """The CPU counters of a whole node, which is another machine, or this one if it is ``here``.

    All nodes here have the same cores, also with the harness.
    """

    node: str
    host: HostReading
    here: bool = False


@dataclass(frozen=True, kw_only=True)
class NodesSeen:
    """What was read of the nodes and their network at one moment; what is unknown is left out."""

    network: tuple[NetworkReading, ...]
    nodes: tuple[NodeReading, ...]
