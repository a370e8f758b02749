"""Asks stores by their own clients: one shell in each store's container, for a whole run.

Starting a program in a container takes some 50 ms of CPU, and a client of its own some 10.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from loadtests.model.errors import ProcessFailure
from loadtests.tools import docker, proc
from loadtests.tools.proc import Child
from loadtests.tools.stores import StoreProgram, end_in, shell_argv


class StoreShells:
    """The shells of one stack; ``container`` returns the id of a store's container."""

    def __init__(self, container: Callable[[str], str], logs: Path) -> None:
        self._container = container
        self._logs = logs
        self._shells: dict[str, Child] = {}
        self._number = 0

    def __call__(self, member: str, program: StoreProgram, *, limit_s: float) -> str:
        """Return what a store answers in ``limit_s``; raise :class:`ProcessFailure` if nothing.

        An answer that comes too late is passed over by the next question.
        """
        until_s = proc.monotonic_s() + limit_s
        shell = self._shell(member, program)
        self._number += 1
        try:
            shell.send(f"{self._number} {program.question}")
        except ProcessFailure as error:
            raise self._ended(member, shell, error) from error
        lines: list[str] = []
        while True:
            left_s = until_s - proc.monotonic_s()
            if left_s <= 0:
                raise ProcessFailure(f"its client did not answer in {limit_s:g} s")
            line = self._line(member, shell, left_s)
            end = end_in(line)
            if end is None:
                lines.append(line)
            elif end[0] == self._number:
                return _answer(lines, code=end[1])
            else:
                lines = []

    def close(self) -> None:
        """End all shells."""
        for shell in self._shells.values():
            shell.close()
        self._shells = {}

    def _shell(self, member: str, program: StoreProgram) -> Child:
        if member not in self._shells:
            self._logs.mkdir(parents=True, exist_ok=True)
            argv = docker.exec_argv(self._container(member), *shell_argv(program.script))
            self._shells[member] = Child(argv, log=self._logs / f"{member}-asked.log")
        return self._shells[member]

    def _line(self, member: str, shell: Child, limit_s: float) -> str:
        try:
            return shell.receive(limit_s)
        except ProcessFailure as error:
            if shell.code is None:
                raise ProcessFailure("its client did not answer in time") from error
            raise self._ended(member, shell, error) from error

    def _ended(self, member: str, shell: Child, error: ProcessFailure) -> ProcessFailure:
        """Forget a shell that has ended, and return why it did, in its own last words."""
        shell.close()
        del self._shells[member]
        return ProcessFailure(_last_words(shell.log) or str(error))


def _answer(lines: list[str], *, code: int) -> str:
    text = "".join(lines)
    if code:
        said = [line.strip() for line in lines if line.strip()]
        raise ProcessFailure(said[-1] if said else f"its client ended with code {code}")
    return text


def _last_words(log: Path) -> str:
    with suppress(OSError):
        lines = log.read_text(errors="replace", encoding="utf-8").strip().splitlines()
        return lines[-1].strip() if lines else ""
    return ""
