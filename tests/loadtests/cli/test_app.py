"""What every command has: its help, its place in the list, and light modules."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from loadtests.cli.group import Entry
from loadtests.cli.registry import COMMANDS, GATE_COMMANDS
from tests.checkout import CHECKOUT

HEAVY = {"numpy", "scipy", "docker", "pydantic", "rich", "jinja2"}
"""What takes most of the time of a start; a command imports it when it needs it."""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("word", ["--help", "-h"])
def test_every_command_says_what_it_does(twofold: Any, command: str, word: str) -> None:
    ended = twofold(command, word, out=False)

    assert ended.code == 0
    assert f"twofold {command}" in ended.stdout
    assert "--json" in ended.stdout


def test_the_help_names_every_command_and_the_exit_codes(twofold: Any) -> None:
    ended = twofold("--help", out=False)

    assert ended.code == 0
    assert all(f"  {command} " in ended.stdout for command in COMMANDS)
    assert "3 cannot tell" in ended.stdout


def test_the_version_is_told(twofold: Any) -> None:
    assert twofold("--version", out=False).stdout.startswith("twofold, version ")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_its_own_help_says_first(name: str) -> None:
    entry = COMMANDS[name]

    assert first_sentence(entry) == entry.about.removesuffix(".")


@pytest.mark.parametrize("name", GATE_COMMANDS)
def test_so_does_the_list_of_the_gate(name: str) -> None:
    entry = GATE_COMMANDS[name]

    assert first_sentence(entry) == entry.about.removesuffix(".")


def first_sentence(entry: Entry) -> str:
    return entry.load().get_short_help_str(limit=200).removesuffix(".")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("repot",), "No such command 'repot'. Known: init, run, plan, report,"),
        (("repot",), "Did you mean report?"),
        (("gate", "calibrat"), "Known: calibrate, history. Did you mean calibrate?"),
    ],
)
def test_an_unknown_command_is_refused_with_those_that_there_are(
    twofold: Any, argv: tuple[str, ...], message: str
) -> None:
    ended = twofold(*argv, out=False)

    assert ended.code == 2
    assert message in ended.stderr


@pytest.mark.parametrize(
    ("argv", "heavy"),
    [
        (("--help",), HEAVY),
        (("--version",), HEAVY),
        (("repot",), HEAVY),
        (("run", "--help"), HEAVY),
        (("plan", "--help"), HEAVY),
        (("gate", "--help"), HEAVY),
        (("gate", "calibrate", "--help"), HEAVY),
        (("compare", "--help"), HEAVY),
        (("doctor", "--help"), HEAVY),
        (("down", "--help"), HEAVY),
        (
            ("plan", "--backend", "processes", "--out", "no-such-folder"),
            HEAVY - {"jinja2"},  # the proxy's configuration is a template
        ),
    ],
)
def test_a_command_imports_only_what_it_needs(argv: tuple[str, ...], heavy: set[str]) -> None:
    """Modules are counted, not seconds: a time depends on what else the machine does."""
    program = (
        "import sys\n"
        "from loadtests.cli.boundary import run_command_line\n"
        f"run_command_line({list(argv)!r})\n"
        "print(*sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    imported = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "click" in imported
    assert heavy & imported == set()
