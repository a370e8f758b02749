"""The code in the documentation: its blocks and spans, and whether the real programs take them."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
import yaml
from markdown_it import MarkdownIt

from loadtests.cli import run_options
from loadtests.cli.app import cli

PROJECT = Path(__file__).parents[2]
PAGES = (
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGES.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
)

SHELL = frozenset({"sh", "bash"})
"""Every line is a command. In ``console`` only those after a ``$`` are, and the rest is output."""

SUBSTITUTION = re.compile(r"\$\((.*?)\)")

DIRECTIVES = frozenset({"{toctree}"})
"""Sphinx's own blocks, which the build of the site checks."""

OTHER_PROGRAMS = frozenset(
    {
        *("apk", "apt-get", "docker", "echo", "git", "gzip", "kubectl", "pip", "printf"),
        *("systemctl", "test", "xargs"),
    }
)
"""Programs that are not ours: of them only the shell's syntax is checked."""

OUR_PROGRAMS = frozenset({"pytest", "ruff", "mypy", "sphinx-build", "uv"})
"""Programs in ``.venv``, called by the Makefile; likewise."""


class BadBlockError(AssertionError):
    """A block that is not what it says it is, or that a program would not take."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block, or a span of code (``language`` is ``span``)."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Give every block of code of a page."""
    yield from blocks_of(page.read_text(), str(page.relative_to(PROJECT)))


def blocks_of(text: str, page: str) -> Iterator[Block]:
    """Give every block of code of a page's text; indented ones have the language ``indented``."""
    for token in MarkdownIt("commonmark").parse(text):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence":
            yield Block(page=page, line=line, language=token.info.strip(), text=token.content)
        elif token.type == "code_block":
            yield Block(page=page, line=line, language="indented", text=token.content)


def spans(page: Path) -> Iterator[Block]:
    """Give every span of code of a page that is a command of ours, tables included."""
    name = str(page.relative_to(PROJECT))
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        for child in token.children or ():
            if child.type == "code_inline" and is_command(child.content):
                line = token.map[0] + 1 if token.map else 0
                yield Block(page=name, line=line, language="span", text=child.content)


def is_command(text: str) -> bool:
    """Tell whether a span of code is a command of ours, with words after its name."""
    return bool(re.match(r"(\.venv/bin/)?twofold [a-z]|make [a-z]|python3 scripts/", text))


def check(block: Block) -> None:
    """Raise :class:`BadBlockError` where a block does not hold what its language promises."""
    try:
        if block.language in {*SHELL, "console", "span"}:
            for command in commands(block):
                check_command(command)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
        elif block.language == "python":
            ast.parse(block.text)
        elif block.language not in {"text", *DIRECTIVES}:
            raise BadBlockError(f"the kind {block.language!r} is unknown; see tests/docs/blocks.py")
    except (BadBlockError, ValueError, SyntaxError, yaml.YAMLError) as error:
        raise BadBlockError(f"{block}: {error}") from error


def commands(block: Block) -> list[str]:
    """Give the commands of a block, each in one line; raise where the shell could not read them."""
    lines = re.sub(r"\\\n\s*", " ", block.text).splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        if not lines:
            raise BadBlockError("a console has a command after `$ `; else it is text")
    script = "\n".join(lines)
    read = subprocess.run(("bash", "-n"), input=script, text=True, capture_output=True, check=False)
    if read.returncode:
        raise BadBlockError(read.stderr.strip())
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def check_command(command: str) -> None:
    """Raise where a program would not take its part of a command line."""
    for inner in SUBSTITUTION.findall(command):
        check_command(inner)
    lexer = shlex.shlex(SUBSTITUTION.sub("_", command), posix=True, punctuation_chars=";|&<>")
    lexer.whitespace_split = True
    for part in _parts(list(lexer)):
        _check_program(part)


def _parts(words: list[str]) -> Iterator[list[str]]:
    """Give the simple commands of a line, without variables, ``sudo`` and redirections."""
    part: list[str] = []
    redirected = False
    for word in [*words, ";"]:
        if word in {"|", "||", "&&", ";"}:
            while part and (re.match(r"@?\w+=", part[0]) or part[0] in {"sudo", "export"}):
                part = part[1:]
            if part:
                yield part
            part, redirected = [], False
        elif word in {"<", ">", ">>"}:
            redirected = True
        elif not redirected:
            part.append(word)


def _check_program(words: list[str]) -> None:
    program, arguments = Path(words[0].removeprefix("@")).name, words[1:]
    if program == "twofold":
        check_twofold(arguments)
    elif program == "make":
        _check_make(arguments)
    elif program in {"python", "python3"} and arguments[:1] and arguments[0].endswith(".py"):
        check_script(arguments[0], arguments[1:])
    elif program in {"python", "python3"} and arguments[:1] == ["-m"]:
        if importlib.util.find_spec(arguments[1]) is None:
            raise BadBlockError(f"there is no module {arguments[1]}")
    elif program not in OTHER_PROGRAMS | OUR_PROGRAMS:
        raise BadBlockError(f"{program!r} is not known; see OTHER_PROGRAMS in tests/docs/blocks.py")


def check_twofold(arguments: list[str]) -> None:
    """Raise where the command line would not take the arguments; nothing is started."""
    with pytest.MonkeyPatch.context() as patch:
        for command in _tree(cli):
            patch.setattr(command, "callback", _stub(command))
        try:
            cli.main(arguments, prog_name="twofold", standalone_mode=False)
        except click.ClickException as error:
            raise BadBlockError(error.format_message()) from error
        except Exception as error:  # as loadtests.cli does, for what is refused by our own checks
            raise BadBlockError(str(error)) from error


def _tree(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if child := command.get_command(context, name):
                yield from _tree(child)


def _stub(command: click.Command) -> Any:
    """Give what stands for a command's function: values are checked as far as that is pure."""

    def stub(*_: object, **given: Any) -> int:
        theirs = ("config", "given_target", "locustfile", "generator_requirements")
        named = [given[key] for key in given if key in theirs or key.startswith("target_")]
        # Another's target is not here to look at, nor are its workloads and variants.
        if command.name in {"run", "plan"} and not any(named):
            apart = {"as_json", "for_rps", "until", "wait"}
            run_options.ask({name: value for name, value in given.items() if name not in apart})
        return 0

    return stub


def _check_make(arguments: list[str]) -> None:
    """Raise where the Makefile has no such target, or where its program would not take ARGS."""
    targets = [word for word in arguments if "=" not in word]
    unknown = set(targets) - set(make_targets())
    if unknown:
        raise BadBlockError(f"the Makefile has no target {', '.join(sorted(unknown))}")
    given = next((word for word in arguments if word.startswith("ARGS=")), None)
    if given is None:
        return
    made = subprocess.check_output(("make", "--no-print-directory", "-n", *arguments), cwd=PROJECT)
    for line in re.sub(r"\\\n\s*", " ", made.decode()).splitlines():
        check_command(line)


@cache
def make_targets() -> tuple[str, ...]:
    """Give the targets that the Makefile calls by name."""
    found = re.search(r"^\.PHONY: (.*)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return tuple(found[1].split())


class _Taken(BaseException):  # so that no script's own handling of errors meets it
    """A script's parser took its arguments."""


def check_script(name: str, arguments: list[str]) -> None:
    """Raise where a script is not there, or where its own parser does not take the arguments."""
    path = PROJECT / name
    if not path.is_file():
        raise BadBlockError(f"{name} is not there")
    original = argparse.ArgumentParser.parse_args

    def parse_args(parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        original(parser, arguments)
        raise _Taken

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
        patch.setattr(sys, "argv", [name, *arguments])
        patch.syspath_prepend(path.parent)
        try:
            runpy.run_path(str(path), run_name="__main__")
        except _Taken:
            return
        except SystemExit as error:
            raise BadBlockError(f"{name} does not take {shlex.join(arguments)}") from error
    raise BadBlockError(f"{name} parses no arguments")
