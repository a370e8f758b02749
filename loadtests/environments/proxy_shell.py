"""A shell in the proxy's container, which ends nginx's worker processes: one for a whole run.

Starting a program in a container takes some 50 ms of CPU, and a run has a hundred trials.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from loadtests.tools.proc import Child

END_WORKERS = ("sh", "-c", 'while read -r pid; do kill -QUIT "$pid"; done')
"""Ends the process that each line names; the ids are those of its own container."""


class ProxyShell:
    """The shell of one stack; its errors go into the folder ``logs``."""

    def __init__(self, in_proxy: Callable[..., Sequence[str]], logs: Path) -> None:
        """``in_proxy`` returns the command that runs a program in the proxy's container."""
        self._in_proxy = in_proxy
        self._log = logs / "proxy-shell.log"
        self._shell: Child | None = None

    def end(self, pid: int) -> None:
        """Let a process end; raise :class:`ProcessFailure` if the shell has."""
        if self._shell is None:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._shell = Child(self._in_proxy(*END_WORKERS), log=self._log)
        self._shell.send(str(pid))

    def close(self) -> None:
        """End the shell, if there is one."""
        if self._shell is not None:
            self._shell.close()
            self._shell = None
