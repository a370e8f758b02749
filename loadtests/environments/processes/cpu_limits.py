"""Limits members of a stack to CPU budgets: by control groups, by systemd, or not at all.

``find`` chooses the mechanism for this machine. It is used in three steps: ``place`` says how to
start a member, ``limit`` sets the budget of a running member, ``group`` gives its counters.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import cgroup, proc, systemd
from loadtests.tools.cgroup import Group


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How to start a member: the prefix of its command, and the files to write its id to."""

    prefix: tuple[str, ...] = ()
    join: tuple[Path, ...] = ()


class CpuLimits(Protocol):
    """A mechanism that limits a member to a CPU budget and counts what it uses."""

    @property
    def description(self) -> str:
        """The mechanism's name, or why this machine has none."""

    @property
    def can_budget(self) -> bool:
        """Whether budgets can be set."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders of the groups that it creates; whoever clears the stack removes them."""

    def place(self, member: str) -> Placement:
        """Prepare for a member, and return how to start it."""

    def group(self, member: str, pid: int) -> Group | None:
        """Return the control group that contains only this member, or None."""

    def limit(self, member: str, pid: int, cpus: float) -> None:
        """Set the CPU budget of a running member."""


def find(stack: str, *, user: bool | None = None) -> CpuLimits:
    """Return the mechanism that works on this machine, for the stack of this name."""
    ordinary = os.geteuid() != 0 if user is None else user
    own = cgroup.group_of(os.getpid())
    if own is None:
        return NoLimits(reason="this system has no readable control groups")
    if own.version == 2 and Path(systemd.RUNNING).exists() and _scopes_have_budgets(user=ordinary):
        return Scopes(stack=stack, user=ordinary)
    parent = find_parent(own)
    if parent is not None:
        return OwnGroups(stack=stack, parent=parent)
    return NoLimits(
        reason=f"this system has control groups (version {own.version}), but"
        f" {'an ordinary user' if ordinary else 'this container'} cannot create any"
    )


def _scopes_have_budgets(*, user: bool) -> bool:
    try:
        quota = proc.run(systemd.trial_argv(user=user), timeout_s=10).stdout
    except ProcessFailure:
        return False
    return quota[:1].isdigit()


def find_parent(own: Group) -> Group | None:
    """Return the nearest group, from this process's own upwards, that can get subgroups.

    In version 2 its ``cgroup.subtree_control`` must contain ``cpu`` already. Enabling it would
    require moving every process out of the group, and those belong to others.
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
            enabled = (place / "cgroup.subtree_control").read_text(encoding="utf-8").split()
            if "cpu" in enabled and _writable(place) and os.access(place / "cgroup.procs", os.W_OK):
                return replace(own, folders=dict.fromkeys(own.folders, place))
    return None


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK)


class OwnGroups:
    """Control groups below ``parent``: one for the stack, and in it one for each member."""

    can_budget = True

    def __init__(self, *, stack: str, parent: Group) -> None:
        folders = {name: folder / stack for name, folder in parent.folders.items()}
        self._stack = replace(parent, folders=folders)

    @property
    def description(self) -> str:
        """The mechanism's name and the parent group."""
        return f"control groups (version {self._stack.version}) below {self.folders[0].parent}"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The stack's own groups."""
        return tuple(dict.fromkeys(self._stack.folders.values()))

    def place(self, member: str) -> Placement:
        """Create a group for a member; its process then joins it."""
        for folder in self.folders:
            folder.mkdir(exist_ok=True)
            if self._stack.version == 2:
                (folder / "cgroup.subtree_control").write_text("+cpu", encoding="utf-8")
            (folder / member).mkdir()
        return Placement(join=tuple(folder / member / "cgroup.procs" for folder in self.folders))

    def group(self, member: str, pid: int) -> Group | None:  # noqa: ARG002  the name is enough
        """Return the member's own group."""
        folders = {name: folder / member for name, folder in self._stack.folders.items()}
        return replace(self._stack, folders=folders)

    def limit(self, member: str, pid: int, cpus: float) -> None:
        """Set the quota of the member's group."""
        group = self.group(member, pid)
        assert group is not None
        cgroup.set_cpu(group, cpus)


class Scopes:
    """A systemd scope for each member."""

    can_budget = True
    folders: tuple[Path, ...] = ()  # systemd removes a scope with its last process

    def __init__(self, *, stack: str, user: bool) -> None:
        self._name = stack
        self._user = user

    @property
    def description(self) -> str:
        """The mechanism's name and whose systemd manager it uses."""
        return f"systemd scopes of the {'user' if self._user else 'system'}'s manager"

    def place(self, member: str) -> Placement:
        """Return the prefix that starts the member in its own scope."""
        return Placement(prefix=systemd.scope_argv(self._unit(member), user=self._user))

    def group(self, member: str, pid: int) -> Group | None:
        """Return the scope's group; None until systemd-run has moved the member into it."""
        group = cgroup.group_of(pid)
        in_scope = group is not None and group.folders["cpu"].name == f"{self._unit(member)}.scope"
        return group if in_scope else None

    def limit(self, member: str, pid: int, cpus: float) -> None:
        """Set the scope's quota, and check that the kernel applies it.

        Raises :class:`EnvironmentFailure` if it does not.
        """
        proc.run(systemd.set_budget_argv(self._unit(member), cpus, user=self._user))
        group = self.group(member, pid)
        limit = cgroup.cpu_limit(group) if group else None
        if limit is None or limit > cpus * 1.01:  # the quota is rounded
            raise EnvironmentFailure(
                f"systemd accepted a budget of {cpus:g} CPU for {member}, but the kernel's limit is"
                f" {limit or 'none'}. Add `Delegate=cpu` to user@.service, or run as root."
            )

    def _unit(self, member: str) -> str:
        return f"{self._name}-{member}"


class NoLimits:
    """No budgets and no groups; CPU time and memory are summed over a member's processes."""

    can_budget = False
    folders: tuple[Path, ...] = ()

    def __init__(self, *, reason: str) -> None:
        self.description = reason

    def place(self, member: str) -> Placement:  # noqa: ARG002  the same for all
        """Return an empty placement."""
        return Placement()

    def group(self, member: str, pid: int) -> Group | None:  # noqa: ARG002  the same for all
        """Return None: members have no groups of their own."""
        return None

    def limit(self, member: str, pid: int, cpus: float) -> None:  # noqa: ARG002  the same for all
        """Raise :class:`EnvironmentFailure`; a plan for this machine has no budgets."""
        raise EnvironmentFailure(f"{member} cannot be limited to {cpus:g} CPU: {self.description}.")
