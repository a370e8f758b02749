"""What every backend offers: a stack that is up, readable, and surely down again.

A backend is opened with a plan and gives a :class:`Stack` in a ``with`` block. It starts all
replicas of all worker models, the proxy and what they need, notes what it owns before it creates
it, saves the logs into the run's folder before it removes anything, and removes everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from loadtests.model.machine import Machine
from loadtests.model.plan import Plan, Upstream
from loadtests.model.stack import HostReading, Reading, Replica
from loadtests.tools.proc import Child

Say = Callable[[str], None]
"""Told one line of progress, for a person."""


class Stack(Protocol):
    """A stack that is up.

    Members are named ``<worker>-<number>``, ``proxy``, ``generator``,
    ``metronome`` and ``store``.
    """

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """Every replica of every worker model, in the order of worker and number."""

    @property
    def proxy_host(self) -> str:
        """The name or address by which the generator reaches the proxy."""

    @property
    def status_url(self) -> str:
        """Where the generator reads nginx's own counters (stub_status)."""

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores of this machine that the stack uses; none where it runs elsewhere."""

    def start_generator(self) -> Child:
        """Start the generator's program, ready to be spoken to; see the generator's protocol."""

    def start_metronome(self) -> Child:
        """Start the metronome on the replicas' cores; see ``generator.metronome``."""

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Let the proxy listen on each upstream's port and pass to exactly its members."""

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Read the counters of those of these members that there are, each with its moment."""

    def read_host(self) -> HostReading | None:
        """Read the CPU counters of the machine, or None where they cannot be read."""

    def identities(self) -> Mapping[str, str]:
        """Give what each member is now; a restart or a replacement changes it."""

    def log_of(self, member: str) -> str:
        """Give the end of a member's log, for a message."""


class Backend(Protocol):
    """A way to bring a stack up."""

    name: str

    def open(self, plan: Plan, folder: Path, say: Say) -> AbstractContextManager[Stack]:
        """Bring the stack of a plan up; logs and rendered configuration go below ``folder``."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A backend, the machine as it sees it, and why it was chosen."""

    backend: Backend
    machine: Machine
    why: str
