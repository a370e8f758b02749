"""Finds and reads the configuration file."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadtests.config.file import place
from loadtests.config.file.known import Known
from loadtests.config.file.place import SAMPLE, Placed
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import SAMPLE as SAMPLE_TARGET
from loadtests.model.tested.target import Target
from loadtests.targets import registry

if TYPE_CHECKING:
    from loadtests.config.tables.settings import Settings

NAMES = ("twofold.toml", place.PYPROJECT)
TOP_OF_A_CHECKOUT = ".git"


@dataclass(frozen=True, kw_only=True)
class ProjectFile:
    """A configuration file without mistakes.

    ``file`` is its name in messages, and ``folder`` the one that its paths start from. ``values``
    has the lists of each workload's ``values``, by the workload's name.
    """

    file: str
    folder: Path
    settings: Settings
    target: Target | None = None
    values: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


def load(
    asked: Path | None, here: Path, known: Known, *, given: Collection[str] = ()
) -> ProjectFile | None:
    """Return the configuration that was asked for, or the one of this folder; None if none is.

    Without ``asked``, it is looked for in the folder, and from there up to the top of its git
    checkout. ``given`` are the variables that the command line sets, which the shell need not have.
    Raises :class:`UsageError` with every mistake of the file.
    """
    found = _asked(asked, here) if asked is not None else _look(here)
    if found is None:
        return None
    from loadtests.config.file import reading  # pydantic, which most commands do without
    from loadtests.targets.configuration.named_files import with_its_files

    configuration = reading.read(found.placed, file=found.file, known=known)
    return with_its_files(configuration, found.path.parent, given)


def results(here: Path) -> Path | None:
    """Return the folder of results that the configuration names, even if it has mistakes."""
    for folder in _folders(here):
        for found in _configurations(folder, here):
            data = found.placed.data
            out = data.get("out") if isinstance(data, Mapping) else None
            return folder / out if isinstance(out, str) and out.isprintable() else None
    return None


def configured_by(folder: Path) -> str | None:
    """Return the name of the file in a folder that configures us, with mistakes or not."""
    return next((found.file for found in _configurations(folder, folder)), None)


def table(folder: Path) -> Mapping[str, Any] | None:
    """Return the values that configure us in a folder, as they were written; None without any."""
    with suppress(UsageError):  # a file that cannot be read
        for found in _configurations(folder, folder):
            if isinstance(found.placed.data, Mapping):
                return found.placed.data
    return None


@dataclass(frozen=True, kw_only=True)
class _Found:
    path: Path
    file: str
    placed: Placed


def _asked(asked: Path, here: Path) -> _Found:
    found = _read((here / asked).resolve(), here)
    if not found.placed.is_there:
        raise UsageError(f"--config {asked} has no table [tool.twofold]. Write it first.")
    return found


def _look(here: Path) -> _Found | None:
    for folder in _folders(here):
        both = _configurations(folder, here)
        if len(both) > 1:
            raise UsageError(
                f"{both[0].file} and [tool.twofold] in {both[1].file} both configure Twofold. Keep"
                f" one, or name one: --config {both[0].file}."
            )
        if both:
            return both[0]
    return None


def _configurations(folder: Path, here: Path) -> list[_Found]:
    paths = [folder / name for name in NAMES if (folder / name).is_file()]
    return [found for path in paths if (found := _read(path, here)).placed.is_there]


def _folders(here: Path) -> tuple[Path, ...]:
    """Return the folder, and those above it that belong to the same git checkout."""
    above = (here, *here.parents)
    for count, folder in enumerate(above, start=1):
        if (folder / TOP_OF_A_CHECKOUT).exists():
            return above[:count]
    return above[:1]


def _read(path: Path, here: Path) -> _Found:
    file = os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file} is not UTF-8 (byte {error.start}), and TOML has to be. Save it as UTF-8."
        ) from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}). Check --config.") from error
    return _Found(path=path, file=file, placed=place.find(text, file=file))


def named(given: str, folder: Path) -> Target:
    """Return the target that a text names in a folder, the sample application included."""
    return SAMPLE_TARGET if given == SAMPLE else registry.recognise(given, folder)
