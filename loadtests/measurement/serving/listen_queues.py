"""Counts connections that met a full listen queue: the kernel drops them, and no server logs it.

The kernel counts them for each network namespace: a container's own, or the whole machine's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from loadtests.environments.protocol import Stack
from loadtests.model.tested.in_force import InForce
from loadtests.tools import procfs

WHAT_TO_DO = (
    "The kernel dropped them, and the clients tried again a second later. Raise the server's"
    " backlog, or its slots."
)


class ListenQueues:
    """The counts of a run, from now on."""

    def __init__(self) -> None:
        self._own = procfs.network_of("self")
        self._before = procfs.listen_overflows("self") or 0

    def noted(self, stack: Stack, entries: Sequence[InForce]) -> tuple[InForce, ...]:
        """Return what serves each worker model, with a note on queues that were full.

        The machine's own count cannot be told apart by replica, so the first one has it.
        """
        if not stack.host_cores:
            return tuple(entries)
        counts = self._counts(stack)
        told: list[InForce] = []
        for entry in entries:
            own = [
                (name if network != self._own else "On this machine", counts.pop(network))
                for name, network in self._networks(stack, entry.worker).items()
                if network in counts
            ]
            notes = [f"{who}: {times(count)} {WHAT_TO_DO}" for who, count in own if count]
            told.append(replace(entry, notes=(*entry.notes, *notes)))
        return tuple(told)

    def _counts(self, stack: Stack) -> dict[str, int]:
        """Return how many connections met a full queue in each namespace that replicas have."""
        counts: dict[str, int] = {}
        for replica in stack.replicas:
            for process in stack.processes_of(replica.name)[:1]:
                network = procfs.network_of(process.pid)
                count = procfs.listen_overflows(process.pid)
                if network is not None and count is not None:
                    counts[network] = count - (self._before if network == self._own else 0)
        return counts

    def _networks(self, stack: Stack, worker: str) -> Mapping[str, str]:
        """Return the namespace of each replica of a worker model."""
        return {
            replica.name: network
            for replica in stack.replicas
            if replica.worker == worker
            for process in stack.processes_of(replica.name)[:1]
            if (network := procfs.network_of(process.pid)) is not None
        }


def times(count: int) -> str:
    """Return the beginning of the sentence on so many connections."""
    met = "connections" if count > 1 else "connection"
    return f"{count} {met} met a full listen queue (ListenOverflows)."
