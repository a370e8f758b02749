"""Reads command lines and logs: the values of options, the text of processes. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from loadtests.model.tested.in_force import ServerProcess


def option(words: Sequence[str], *names: str) -> str | None:
    """Return the last value of an option, by any of its names: ``--name value``, ``--name=value``.

    A short name may have its value without a blank, as in ``-w4``.
    """
    value = None
    for index, word in enumerate(words):
        for name in names:
            if word == name and index + 1 < len(words):
                value = words[index + 1]
            elif name.startswith("--") and word.startswith(f"{name}="):
                value = word.partition("=")[2]
            elif not name.startswith("--") and word.startswith(name) and word[2:].isdigit():
                value = word[2:]
    return value


def number(words: Sequence[str], *names: str) -> int | None:
    """Return the last value of an option as a whole number, or None."""
    value = option(words, *names)
    return int(value) if value is not None and value.isascii() and value.isdigit() else None


def command_words(processes: Sequence[ServerProcess]) -> list[str]:
    """Return the words of all command lines, the first process's last, so that it decides."""
    return [word for process in reversed(processes) for word in process.command.split()]


_FLAGS = frozenset({"--", "-m", "-u", "-B", "-E", "-I", "-O", "-OO", "-s", "-S", "-g", "-c"})
"""Options that have no value, or a program's name as theirs; a value names no program."""


def programs_in(command: str) -> frozenset[str]:
    """Return what may be names of programs in a command line, in lower case.

    These are the last parts of paths and the words that are no values of options. What a process
    calls itself counts, too: ``gunicorn: master [shop:app]``, ``uWSGI worker 1``.
    """
    before, found = "", set()
    for word in command.split():
        is_value = before.startswith("-") and before not in _FLAGS and "=" not in before
        if not word.startswith("-") and not is_value:
            found.add(PurePath(word).name.strip(":()").lower())
        before = word
    return frozenset(found)


_RELOADING = re.compile(r"--reload|--(?:py|python)-auto-?reload(?:=.*)?")
RELOADER_IS_ON = (
    "Its reloader is on: it polls all files of the application, also while a replica is idle."
)


def reloader_notes(processes: Sequence[ServerProcess]) -> tuple[str, ...]:
    """Return a note where a server's command line asks to start anew when a file changes."""
    options = [word for word in command_words(processes) if _RELOADING.fullmatch(word)]
    return (f"{RELOADER_IS_ON} Start it without {options[-1]}.",) if options else ()


def workers_of(processes: Sequence[ServerProcess]) -> tuple[ServerProcess, ...]:
    """Return the processes that have a parent among these, and no children: those that serve."""
    pids = {process.pid for process in processes}
    parents = {process.parent for process in processes}
    return tuple(
        process for process in processes if process.parent in pids and process.pid not in parents
    )


_COLOUR = re.compile(r"(?:\x1b|\\u001[bB]|\\x1[bB]|\\033)\[[0-9;]*m")
"""What sets a terminal's colour (ECMA-48, SGR), also as JSON and Python write it."""


def without_colours(log: str) -> str:
    """Return a log without what colours it, which may stand before and after any word."""
    return _COLOUR.sub("", log)
