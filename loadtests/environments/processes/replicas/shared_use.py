"""Looks at what the replicas of a stack of processes share."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.environments.processes.members import Members
from loadtests.environments.shared.looks import SharedLooks
from loadtests.model.tested.shared import SharedUse
from loadtests.tools import procfs


def look(
    looks: SharedLooks, members: Members, replicas: Sequence[str], stores: Sequence[str]
) -> SharedUse:
    """Return the sessions of the stores and the files that the replicas have locked.

    All clients come from this machine, so their connections are not told apart by replica.
    """

    def pids(member: str) -> list[int]:
        return [process.pid for process in procfs.family(members.pid_of(member))]

    return looks.look(
        stores={name: [procfs.command_of(pid) for pid in pids(name)] for name in stores},
        addresses={},
        replicas={name: pids(name) for name in replicas},
    )
