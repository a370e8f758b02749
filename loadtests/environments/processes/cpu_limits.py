"""How members of a stack are held to a CPU budget here: own control groups, systemd, or not.

``find`` chooses. What it gives is used in three steps: ``place`` says how a member has to be
started, ``hold`` sets its budget once it runs, ``group`` is where its counters are.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import cgroup, proc, systemd
from loadtests.tools.cgroup import PERIOD_US, Group


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How to start a member: what stands before its command, and which files take its id."""

    prefix: tuple[str, ...] = ()
    join: tuple[Path, ...] = ()


class Means(Protocol):
    """One way to hold a member to a budget and to count what it uses."""

    @property
    def description(self) -> str:
        """Say which way it is, or why there is none."""

    @property
    def can_budget(self) -> bool:
        """Tell whether budgets can be set."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders of groups that are created, to be removed with all that is in them."""

    def place(self, member: str) -> Placement:
        """Prepare for a member and say how to start it."""

    def group(self, member: str, pid: int) -> Group | None:
        """Give the group whose counters are this member's alone, or None where there is none."""

    def hold(self, member: str, pid: int, cpus: float) -> None:
        """Set the budget of a member that runs."""


def find(stack: str, *, user: bool | None = None) -> Means:
    """Choose the way that works on this machine, for the stack of this name."""
    ordinary = os.geteuid() != 0 if user is None else user
    own = cgroup.group_of(os.getpid())
    if own is None:
        return NoMeans(reason="this system has no control groups that can be read")
    if own.version == 2 and Path(systemd.RUNNING).exists() and _scopes_have_budgets(user=ordinary):
        return Scopes(stack=stack, user=ordinary)
    nest = find_nest(own)
    if nest is not None:
        return OwnGroups(stack=stack, nest=nest)
    return NoMeans(
        reason=f"control groups (version {own.version}) are here, but none can be made"
        f" {'by an ordinary user' if ordinary else 'in this container'}"
    )


def _scopes_have_budgets(*, user: bool) -> bool:
    try:
        quota = proc.run(systemd.trial_argv(user=user), timeout_s=10).stdout
    except ProcessFailure:
        return False
    return quota[:1].isdigit()


def find_nest(own: Group) -> Group | None:
    """Give the nearest group, from this process's own upwards, in which others can be made.

    In version 2 that is one whose ``cgroup.subtree_control`` has ``cpu`` already; enabling it
    would need every process moved out of the group, which is not ours to do.
    """
    if own.version == 1:
        folders = {name: own.folders[name] for name in ("cpu", "cpuacct") if name in own.folders}
        usable = "cpu" in folders and all(_writable(folder) for folder in folders.values())
        return replace(own, folders=folders) if usable else None
    folder, top = own.folders["cpu"], own.tops["cpu"]
    for place in (folder, *folder.parents):
        if not place.is_relative_to(top):
            break
        with contextlib.suppress(OSError):
            enabled = (place / "cgroup.subtree_control").read_text().split()
            if "cpu" in enabled and _writable(place) and os.access(place / "cgroup.procs", os.W_OK):
                return replace(own, folders=dict.fromkeys(own.folders, place))
    return None


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK)


class OwnGroups:
    """Groups made below ``nest``: one for the stack, in it one for each member."""

    can_budget = True

    def __init__(self, *, stack: str, nest: Group) -> None:
        folders = {name: folder / stack for name, folder in nest.folders.items()}
        self._stack = replace(nest, folders=folders)

    @property
    def description(self) -> str:
        """Say in which group they are made."""
        return f"control groups (version {self._stack.version}) below {self.folders[0].parent}"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The stack's own groups."""
        return tuple(dict.fromkeys(self._stack.folders.values()))

    def place(self, member: str) -> Placement:
        """Make a group for a member, which its process then joins."""
        for folder in self.folders:
            folder.mkdir(exist_ok=True)
            if self._stack.version == 2:
                (folder / "cgroup.subtree_control").write_text("+cpu")
            (folder / member).mkdir()
        return Placement(join=tuple(folder / member / "cgroup.procs" for folder in self.folders))

    def group(self, member: str, pid: int) -> Group | None:  # noqa: ARG002  the name is enough
        """Give the member's group."""
        folders = {name: folder / member for name, folder in self._stack.folders.items()}
        return replace(self._stack, folders=folders)

    def hold(self, member: str, pid: int, cpus: float) -> None:
        """Set the quota of the member's group."""
        group = self.group(member, pid)
        assert group is not None
        folder, quota_us = group.folders["cpu"], round(cpus * PERIOD_US)
        if group.version == 1:
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (folder / "cpu.cfs_quota_us").write_text(str(quota_us))
        else:
            (folder / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")


class Scopes:
    """A systemd scope for each member."""

    can_budget = True
    folders: tuple[Path, ...] = ()  # systemd removes a scope with its last process

    def __init__(self, *, stack: str, user: bool) -> None:
        self._name = stack
        self._user = user

    @property
    def description(self) -> str:
        """Say whose scopes they are."""
        return f"systemd scopes of the {'user' if self._user else 'system'}'s manager"

    def place(self, member: str) -> Placement:
        """Put the command that makes a scope before the member's own."""
        return Placement(prefix=systemd.scope_argv(self._unit(member), user=self._user))

    def group(self, member: str, pid: int) -> Group | None:
        """Give the scope's group, once the member has got there."""
        found = cgroup.group_of(pid)
        named = found is not None and found.folders["cpu"].name == f"{self._unit(member)}.scope"
        return found if named else None  # before systemd-run has moved itself, it is ours

    def hold(self, member: str, pid: int, cpus: float) -> None:
        """Set the property, and see that the kernel has got it."""
        proc.run(systemd.set_budget_argv(self._unit(member), cpus, user=self._user))
        group = self.group(member, pid)
        limit = cgroup.cpu_limit(group) if group else None
        if limit is None or limit > cpus * 1.01:
            raise EnvironmentFailure(
                f"systemd took the budget of {cpus:g} CPU for {member}, but the kernel has"
                f" {limit or 'none'}. Add `Delegate=cpu` to user@.service, or run as root."
            )

    def _unit(self, member: str) -> str:
        return f"{self._name}-{member}"


class NoMeans:
    """No budgets, and no groups: what is used is counted from the processes themselves."""

    can_budget = False
    folders: tuple[Path, ...] = ()

    def __init__(self, *, reason: str) -> None:
        self.description = reason

    def place(self, member: str) -> Placement:  # noqa: ARG002  the same for all
        """Nothing to prepare."""
        return Placement()

    def group(self, member: str, pid: int) -> Group | None:  # noqa: ARG002  the same for all
        """There is none."""
        return None

    def hold(self, member: str, pid: int, cpus: float) -> None:  # noqa: ARG002  the same for all
        """Refuse: a plan with budgets was not made for this machine."""
        raise EnvironmentFailure(f"{member} cannot be held to {cpus:g} CPU: {self.description}.")
