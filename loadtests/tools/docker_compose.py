"""Docker Compose: its command lines, and the user's Compose file as it reads it.

Two programs are called alike: the v2 plugin (``docker compose``), and docker-compose 1.29 where
only that is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from loadtests.model.errors import EnvironmentFailure, ProcessFailure, UsageError
from loadtests.tools import proc

ANSWER_LIMIT_S = 20
"""Time limit for the version of one of them."""

MOST_VALUES = 100_000
"""Values of a Compose file, those of anchors at each place: ten thousand services have fewer."""

CONFIG_LIMIT_S = 60.0
CONFIG_PROJECT = "twofold-config"
"""A name for the one command that starts nothing; a folder's own name may be no valid one."""

_UNSET = re.compile(r"The \W*(\w+)\W* variable is not set")
_LOGGED = re.compile(r'^time="[^"]*" level=(?P<level>\w+) msg="(?P<text>.*)"$')


@dataclass(frozen=True, kw_only=True)
class Compose:
    """The Compose of this machine: its command and its version."""

    argv: tuple[str, ...]
    version: str

    def command(self, *words: str, project: str, files: Sequence[Path]) -> tuple[str, ...]:
        """Return a Compose command for one project; later files override earlier ones."""
        named = [word for file in files for word in ("--file", str(file))]
        return (*self.argv, "--project-name", project, *named, *words)


def up_words(
    scale: Mapping[str, int], services: Sequence[str], *, start: bool = True
) -> tuple[str, ...]:
    """Return the Compose words that start services; ``scale`` gives containers by service.

    Without ``start``, containers and their networks are only created.
    """
    scaled = [f"--scale={service}={number}" for service, number in scale.items()]
    return (
        "up",
        "--detach" if start else "--no-start",
        "--no-build",
        "--no-color",
        *scaled,
        *services,
    )


def stop_words(services: Sequence[str], *, grace_s: int) -> tuple[str, ...]:
    """Return the Compose words that stop services; what still runs after ``grace_s`` is killed."""
    return ("stop", "--timeout", str(grace_s), *services)


DOWN_WORDS = ("down", "--volumes", "--remove-orphans", "--timeout", "2")


def find_compose() -> Compose:
    """Return the Compose v2 plugin, else docker-compose 1.29.

    Raises :class:`EnvironmentFailure` if neither answers.
    """
    for argv in (("docker", "compose"), ("docker-compose",)):
        if proc.which(argv[0]) is None:
            continue
        try:
            done = proc.run((*argv, "version", "--short"), check=False, timeout_s=ANSWER_LIMIT_S)
        except ProcessFailure:
            continue
        version = done.stdout.strip().removeprefix("v")
        if done.code == 0 and version[:1].isdigit():
            return Compose(argv=argv, version=version)
    raise EnvironmentFailure(
        "Neither `docker compose` nor `docker-compose` answers. Install the Compose plugin"
        " (Debian: docker-compose; Docker's own packages: docker-compose-plugin), or run without"
        " Docker: --backend processes."
    )


# -- the user's Compose file --------------------------------------------------------------------


class ComposeFileError(UsageError):
    """Compose cannot read a file; the message is Compose's own line."""


@dataclass(frozen=True, kw_only=True)
class Configured:
    """A Compose file as Compose reads it; ``unset`` are variables that it has no value for."""

    document: Mapping[str, Any]
    unset: tuple[str, ...] = ()


def config_argv(
    compose: Compose, files: Sequence[Path], folder: Path, profiles: Sequence[str]
) -> tuple[str, ...]:
    """Return the command that prints merged files with all resolved, these profiles included."""
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    as_json = () if compose.version.startswith("1.") else ("--format", "json")
    return (
        *compose.command("--project-directory", str(folder), project=CONFIG_PROJECT, files=files),
        *chosen,
        *("config", *as_json),
    )


def configured(
    compose: Compose, files: Sequence[Path], folder: Path, profiles: Sequence[str] = ()
) -> Configured:
    """Return Compose files as Compose reads them in a folder, later ones over earlier ones.

    It starts nothing. Raises :class:`ComposeFileError` with the first thing that Compose says is
    wrong.
    """
    argv = config_argv(compose, files, folder, profiles)
    done = proc.run(argv, cwd=folder, check=False, timeout_s=CONFIG_LIMIT_S)
    unset = tuple(dict.fromkeys(_UNSET.findall(done.stderr)))
    if done.code != 0:
        raise ComposeFileError(first_complaint(done.stderr or done.stdout))
    parsed = json.loads(done.stdout) if done.stdout.startswith("{") else parse(done.stdout)
    return Configured(document=unescaped(parsed), unset=unset)


def first_complaint(stderr: str) -> str:
    """Return Compose's first line that is no warning; with the next one if it ends in a colon."""
    lines = []
    for line in stderr.splitlines():
        logged = _LOGGED.match(line)
        if _UNSET.search(line) or (logged and logged["level"] in {"warning", "info"}):
            continue
        text = (logged["text"] if logged else line).strip().removeprefix("ERROR: ")
        if text and not text.startswith("WARNING"):
            lines.append(text)
    if not lines:
        return "Compose said nothing"
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])


def unescaped(value: Any) -> Any:
    """Return a configuration with ``$$`` as ``$``: Compose prints it for another reading."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, Mapping):
        return {key: unescaped(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [unescaped(inner) for inner in value]
    return value


def parse(text: str) -> dict[str, Any]:
    """Parse the text of a Compose file; raise :class:`ComposeFileError` with the line."""
    return _parsed(text, _Loader)


def parse_with_tags(text: str) -> dict[str, Any]:
    """Parse a Compose file as :func:`parse`; what :class:`Tagged` is for keeps its tag."""
    return _parsed(text, _TagsLoader)


def _parsed(text: str, loader: type[_Loader]) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=loader)  # noqa: S506  a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ComposeFileError(f"{where}{problem}") from error
    except RecursionError:
        raise ComposeFileError("It is nested too deeply.") from None
    check_size(document)
    return document if isinstance(document, dict) else {}


def check_size(document: Any) -> None:
    """Raise :class:`ComposeFileError` for a document that anchors make endlessly large."""
    left, count = [document], 0
    while left:
        value = left.pop()
        count += 1
        if count > MOST_VALUES:
            raise ComposeFileError(f"It has over {MOST_VALUES:,} values, with those of anchors.")
        if isinstance(value, Mapping):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, Tagged):
            left.append(value.value)


RESET, OVERRIDE = "!reset", "!override"


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """A value that is not merged: ``RESET`` takes away what an earlier file has in its place."""

    tag: str
    value: Any


def untagged(value: Any) -> Any:
    """Return a value without tags, at any depth, and without what ``RESET`` takes away."""
    if isinstance(value, Tagged):
        return untagged(value.value)
    if isinstance(value, Mapping):
        return {
            key: untagged(inner)
            for key, inner in value.items()
            if not (isinstance(inner, Tagged) and inner.tag == RESET)
        }
    return [untagged(inner) for inner in value] if isinstance(value, list) else value


class _Loader(yaml.SafeLoader):
    """Reads Compose's own tags, such as ``!reset``, as the values that they stand before."""


def _tagged(loader: _Loader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _tagged)


class _TagsLoader(_Loader):
    """Keeps the tags that say how files are merged."""


def _with_tag(loader: _TagsLoader, node: yaml.Node) -> Tagged:
    return Tagged(tag=node.tag, value=_tagged(loader, node.tag, node))


for _tag in (RESET, OVERRIDE):
    _TagsLoader.add_constructor(_tag, _with_tag)
