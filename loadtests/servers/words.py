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


def version_numbers(version: str | None) -> tuple[int, ...]:
    """Return the first two numbers of a server's version; none of one that is not known."""
    return tuple(int(part) for part in (version or "").split(".")[:2] if part.isdigit())


def command_words(processes: Sequence[ServerProcess]) -> list[str]:
    """Return the words of all command lines, the first process's last, so that it decides."""
    return [word for process in reversed(processes) for word in process.command.split()]


_FLAG = re.compile(r"--|-g|-[BEIOsSu]+|-[BEIOsSu]*[mc]")
"""An option that has no value, or a program's name as its own, such as Python's ``-um``; any other
value names no program."""

_NO_OPTIONS = frozenset[str]()
_AS_USER = frozenset({"-u", "-g"})
_OPERAND_FIRST = {
    **dict.fromkeys(("cd", "pushd", "gosu", "su-exec", "setuidgid", "s6-setuidgid"), _NO_OPTIONS),
    "su": frozenset({"-g", "-s", "--shell"}),
    "runuser": _AS_USER | {"-s", "--shell"},
}
"""What stands before a folder or a user, with those of its options that have values."""
_OPTIONS_ONLY = dict.fromkeys(("sudo", "doas", "chpst"), _AS_USER)
"""What has its user as the value of an option."""

_BETWEEN = re.compile(r"&&|\|\||[;|\n]|(?<!>)&(?!>)")
"""What stands between two commands of a shell."""


def _named_in(command: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the names in one command, each with the words behind it."""
    words, found = command.split(), []
    before, valued, has_operand, ends_with_user = "", _NO_OPTIONS, False, False
    for index, word in enumerate(words):
        is_value = before in valued or (
            before.startswith("-") and not (has_operand or _FLAG.fullmatch(before) or "=" in before)
        )
        if has_operand and word == "-c":  # su -c COMMAND USER
            has_operand, ends_with_user = False, True
        elif has_operand and (word == "-u" or not (word.startswith("-") or is_value)):
            has_operand = False
        elif not word.startswith("-") and not is_value:
            name = PurePath(word).name.strip(":()").lower()
            found.append((name, tuple(words[index + 1 :])))
            has_operand = name in _OPERAND_FIRST
            valued = _OPERAND_FIRST.get(name) or _OPTIONS_ONLY.get(name) or _NO_OPTIONS
        before = word
    return found[:-1] if ends_with_user else found


def programs_in(command: str) -> frozenset[str]:
    """Return what may be names of programs in a command line, in lower case.

    These are the last parts of paths and the words that are no values of options, no folder behind
    ``cd``, and no user behind ``su`` or ``gosu``. What a process calls itself counts, too:
    ``gunicorn: master [shop:app]``, ``uWSGI worker 1``.
    """
    parts = _BETWEEN.split(command)
    return frozenset(name for part in parts for name, _ in _named_in(part))


def starts(command: str, program: str) -> bool:
    """Return whether a command line starts a program; of two words, the second one comes later.

    Options may stand between the two: ``flask --debug run``.
    """
    first, *second = program.split()
    return any(
        name == first and set(second) <= set(behind)
        for part in _BETWEEN.split(command)
        for name, behind in _named_in(part)
    )


_RELOADING = re.compile(r"--reload|--(?:py|python)-auto-?reload(?:=(?P<value>.*))?")
RELOADER_IS_ON = (
    "Its reloader is on: it polls all files of the application, also while a replica is idle."
)


def reloader_notes(processes: Sequence[ServerProcess]) -> tuple[str, ...]:
    """Return a note where a server's command line asks to start anew when a file changes.

    A value of 0, in seconds, switches uWSGI's reloader off.
    """
    words = command_words(processes)
    options = [
        word
        for word, after in zip(words, [*words[1:], ""], strict=False)
        if (match := _RELOADING.fullmatch(word)) and (match["value"] or after) != "0"
    ]
    return (f"{RELOADER_IS_ON} Start it without {options[-1]}.",) if options else ()


_COLOUR = re.compile(r"(?:\x1b|\\u001[bB]|\\x1[bB]|\\033)\[[0-9;]*m")
"""What sets a terminal's colour (ECMA-48, SGR), also as JSON and Python write it."""


def without_colours(log: str) -> str:
    """Return a log without what colours it, which may stand before and after any word."""
    return _COLOUR.sub("", log)
