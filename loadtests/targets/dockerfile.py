"""A target that is built by a Dockerfile: the file, or the folder that has one."""

from __future__ import annotations

import json
import re
import shlex
from itertools import islice
from pathlib import Path

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.compose_file.files import NAMES as COMPOSE_FILES
from loadtests.targets.discovery import flask_source
from loadtests.targets.form import Form

NAMES = ("Dockerfile", "Containerfile")

BESIDE = frozenset(
    {
        *("", ".sh", ".bash", ".conf", ".cnf", ".cfg", ".ini", ".env", ".yml", ".yaml", ".toml"),
        *(".template", ".tmpl", ".j2", ".md", ".sql", ".crt", ".pem", ".key", ".dockerignore"),
    }
)
"""Suffixes of scripts and configuration, which stand beside a Dockerfile."""

SETTINGS = frozenset({"gunicorn.conf.py", "gunicorn_conf.py"})
"""Settings of a server in Python."""

OF_AN_APPLICATION = frozenset(
    {"pyproject.toml", "setup.cfg", "pipfile", "procfile", "gemfile", "rakefile", "cargo.toml"}
)
"""Names of files that an application has, although their suffixes are those of configuration."""

MOST_FILES = 1000
"""Files that are looked at: a folder of so many scripts would be an application."""

_COPY = re.compile(r"^\s*(?:COPY|ADD)\s+(?P<words>.*)$", re.IGNORECASE)
_FROM_ELSEWHERE = re.compile(r"https?://|git@|<<|.*\$")
"""Sources that no folder of this machine has, or that only the builder can name."""


def recognises(given: str, folder: Path) -> bool:
    """Tell whether a text names a folder, or a Dockerfile."""
    path = folder / given
    return path.is_dir() or (
        path.is_file() and any(name.lower() in path.name.lower() for name in NAMES)
    )


def find(given: str, folder: Path) -> Target:
    """Return the application that a Dockerfile builds; raise if there is none."""
    path = (folder / given).resolve()
    file = _in_folder(path) if path.is_dir() else path
    if not file.is_file():
        raise UsageError(
            f"There is no Dockerfile {file}. Name the file, or another form of target."
        )
    context = context_of(file, folder.resolve())
    notes = (f"The image is built from {context}, by {file.name}.",)
    if context != file.parent:
        notes = (f"The image is built from {context}, since what {file} copies lies there.",)
    return Target(
        kind=TargetKind.DOCKERFILE,
        given=given,
        name=context.name or str(context),
        folder=str(context),
        dockerfile=str(file),
        notes=notes,
    )


def _in_folder(folder: Path) -> Path:
    for name in NAMES:
        if (folder / name).is_file():
            return folder / name
    compose = next((name for name in COMPOSE_FILES if (folder / name).is_file()), None)
    applications = flask_source.find_any(folder)
    way_out = "Name the file (docker/Dockerfile), or an import string (shop:app)"
    if compose:
        way_out = f"It has {compose}: name one of its services, as {compose}:web"
    elif applications:
        way_out = f"An application is in {applications[0].file}: there, name {applications[0].name}"
    raise UsageError(f"There is no Dockerfile in {folder}. {way_out}.")


def instead(folder: Path) -> str:
    """Return what a gate can be told to compare in a folder without a Dockerfile."""
    compose = next((name for name in COMPOSE_FILES if (folder / name).is_file()), None)
    if compose:
        return f"Name a service of its Compose file: --service {compose}:web"
    for source in flask_source.find_any(folder):
        return f"Name the application in {source.file}: --app '{source.name}'"
    return "Name a folder with one, or an image."


def context_of(file: Path, folder: Path) -> Path:
    """Return the folder that an image is built from.

    It is the Dockerfile's own, or the working ``folder`` above it if only that has all that the
    Dockerfile copies (``docker build -f docker/Dockerfile .``). A whole folder (``COPY . .``) is
    one with an application in it.
    """
    own = file.parent
    if own == folder or folder not in file.parents:
        return own
    sources = copied(file.read_text(errors="replace", encoding="utf-8"))

    def has_all(context: Path) -> bool:
        return all(source == "." or any(context.glob(source)) for source in sources)

    if sources == (".",):
        return folder if not _has_application(own) and _has_application(folder) else own
    return folder if not has_all(own) and has_all(folder) else own


def _has_application(folder: Path) -> bool:
    """Tell whether a folder has more than Dockerfiles, scripts and configuration."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return any(not _is_beside_application(path) for path in islice(files, MOST_FILES))


def _is_beside_application(file: Path) -> bool:
    name = file.name.lower()
    if name in OF_AN_APPLICATION or name.startswith("requirements"):
        return False
    is_dockerfile = any(known.lower() in name for known in NAMES)
    return is_dockerfile or name in SETTINGS or file.suffix.lower() in BESIDE


def copied(text: str) -> tuple[str, ...]:
    """Return the paths that a Dockerfile copies from its context, relative to it."""
    joined = re.sub(r"\\\n", " ", text)
    paths: list[str] = []
    for line in joined.splitlines():
        match = _COPY.match(line)
        if match is None:
            continue
        words = _words(match["words"])
        flags = [word for word in words if word.startswith("--")]
        if any(flag.startswith("--from") for flag in flags):
            continue
        *sources, _ = [word for word in words if word not in flags] or [""]
        paths += [source for source in sources if not _FROM_ELSEWHERE.match(source)]
    cleaned = (path.lstrip("/").removeprefix("./").rstrip("/") or "." for path in paths)
    return tuple(dict.fromkeys(cleaned))


def _words(text: str) -> list[str]:
    """Return the words of an instruction, in its shell form or as a JSON list."""
    try:
        start = text.index("[")
        return [*text[:start].split(), *map(str, json.loads(text[start:]))]
    except (ValueError, TypeError, RecursionError):
        pass
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


FORM = Form(
    kind=TargetKind.DOCKERFILE,
    option="--dockerfile",
    metavar="docker/Dockerfile",
    about="a Dockerfile, or a folder that has one",
    recognises=recognises,
    find=find,
)
