"""Every option, command and make target that a message names exists."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from loadtests.cli.app import cli
from tests.checkout import CHECKOUT

PACKAGES = ("report", "analysis", "planning", "results", "model")
TEXTS = [
    file
    for name in PACKAGES
    for file in sorted((CHECKOUT / "loadtests" / name).rglob("*"))
    if file.suffix in {".py", ".j2"}
]
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]+)")
OF_OTHERS = {"from-file"}
"""Options of other programs that a text says to type: kubectl's."""
COMMAND = re.compile(r"[`:(]\s?twofold ([a-z]+)\b")
TARGET = re.compile(r"`make ([a-z-]+)")


def options() -> set[str]:
    """Return every option of every command, without its dashes."""
    return {
        name.removeprefix("--")
        for command in (cli, *subcommands())
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def subcommands() -> list[click.Command]:
    """Return every command below ``twofold``."""
    context = click.Context(cli)
    commands = (cli.get_command(context, name) for name in cli.list_commands(context))
    return [command for command in commands if command is not None]


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z][a-z-]*):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))


def names_of(files: list[Path]) -> list[str]:
    return [str(file.relative_to(CHECKOUT)) for file in files]


@pytest.mark.parametrize("file", TEXTS, ids=names_of(TEXTS))
def test_whatever_a_message_tells_a_person_to_type_exists(file: Path) -> None:
    text = file.read_text()

    assert set(OPTION.findall(text)) <= options() | OF_OTHERS
    assert set(COMMAND.findall(text)) <= set(cli.list_commands(click.Context(cli)))
    assert set(TARGET.findall(text)) <= targets()


def test_the_patterns_find_what_they_are_for() -> None:
    text = "Measure fewer (--replicas 1,2): twofold run. Or `make set-up`, or `twofold down`."

    assert OPTION.findall(text) == ["replicas"]
    assert COMMAND.findall(text) == ["run", "down"]
    assert TARGET.findall(text) == ["set-up"]
