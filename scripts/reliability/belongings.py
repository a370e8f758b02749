"""What there is on this machine: the processes of a case, and what any run could leave.

No single sign finds every process. nginx and PostgreSQL's children write their title over their
variables and their command line, and a daemon has another parent. So a process belongs to a case by
any of these: its variables, its command line, its working folder, its open files, or its parent.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from loadtests.model.errors import ProcessFailure
from loadtests.tools import cgroup, proc, procfs

STACKS = "twofold-"
"""How the control groups of every stack begin: its own, and ``<stack>-<member>.scope``."""

LIST_LIMIT_S = 20.0

SILENT = "the engine does not say what it has"

LISTS: dict[str, tuple[str, ...]] = {
    "container": ("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"),
    "network": ("network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}}"),
    "untagged image": ("images", "--no-trunc", "--filter", "dangling=true", "--format", "{{.ID}}"),
}
"""Docker's commands that list its objects, whoever made them; a build labels nothing."""


class Processes:
    """The processes of a case: those that it has started, and those that its folder shows.

    ``variable`` is ``NAME=value``, which all of them get.
    """

    def __init__(self, variable: str, folder: Path) -> None:
        self._variable = variable.encode()
        self._folder = f"{folder}{os.sep}"
        self._started: dict[int, str] = {}

    def note(self, first: int | None = None) -> None:
        """Record the descendants of those that are known, and of ``first``, by their start times.

        Whoever ends the processes in between makes orphans, which nobody's parent shows any more.
        """
        if first is not None and (facts := procfs.facts_of(first)):
            self._started[first] = facts.started
        for pid, started in tuple(self._started.items()):
            family = procfs.family(pid)
            if family and family[0].started == started:
                self._started |= {member.pid: member.started for member in family}

    def there(self) -> list[int]:
        """Return all that are running now; never this process."""
        self.note()
        return [
            process.pid
            for process in procfs.everyone()
            if process.pid != os.getpid()
            and (
                self._started.get(process.pid) == process.started
                or self._is_marked(process.pid)
                or self._is_in_folder(process.pid)
            )
        ]

    def _is_marked(self, pid: int) -> bool:
        with suppress(OSError):  # it ended, or is another user's
            return self._variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return False

    def _is_in_folder(self, pid: int) -> bool:
        """Return whether its command names the folder, or it works or has a file open in it."""
        places = set(procfs.links_of(pid))
        with suppress(OSError):
            places.add(f"{Path(f'/proc/{pid}/cwd').readlink()}{os.sep}")
        if any(place.startswith(self._folder) for place in places):
            return True
        with suppress(OSError):
            return self._folder.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        return False


def on_machine() -> set[str]:
    """Return the ports that are listened on and the control groups of stacks, in words."""
    ports = {f"port {listener}" for listener in procfs.listeners_of(os.getpid()) or ()}
    groups = {
        f"control group {Path(folder, name)}"
        for folder, below, _ in os.walk(cgroup.ROOT)
        for name in below
        if name.startswith(STACKS)
    }
    return ports | groups


def on_engine() -> set[str]:
    """Return the engine's objects in words; an engine that does not say is an object, too."""
    found = set()
    for kind, words in LISTS.items():
        try:
            listed = proc.run(("docker", *words), timeout_s=LIST_LIMIT_S).stdout
        except ProcessFailure:
            return {SILENT}
        found |= {f"{kind} {line}" for line in listed.splitlines() if line.strip()}
    return found
