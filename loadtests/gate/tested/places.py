"""Finds a user's target in each version: in the files of a commit, or in a folder."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from loadtests.gate.model.vocabulary import SideKind
from loadtests.gate.named_versions import Named
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target
from loadtests.targets import registry
from loadtests.tools import git

VARIABLES = ".env"
"""The file of variables that most projects keep out of git, and that Compose and Flask read."""


def place_of(named: Named, here: Path, folder: Path, temporary: Path) -> Path:
    """Return the folder of a version from which its target's name starts.

    ``folder`` is that of the working tree. A commit's files are written below ``temporary``, with
    the working tree's ``.env`` unless the commit has its own.
    """
    top, folder = git.toplevel(here), folder.resolve()
    within = Path(os.path.relpath(folder, top)) if top is not None else Path()
    if named.kind is SideKind.PATH:
        assert named.folder is not None
        if named.folder == here.resolve():
            return folder
        is_top = git.toplevel(named.folder) == named.folder
        return (
            named.folder / within if is_top and (named.folder / within).is_dir() else named.folder
        )
    assert named.commit is not None
    exported = temporary / named.name
    exported.mkdir()
    git.export(here, named.commit, exported)
    place = exported / within
    if not place.is_dir():
        raise UsageError(
            f"--{named.name} {named.asked!r} has no folder {within}. Name a version that has it."
        )
    own = place / VARIABLES  # as a link that leads nowhere, it would be written where it points
    if (folder / VARIABLES).is_file() and not own.exists() and not own.is_symlink():
        shutil.copy(folder / VARIABLES, own)
    return place


def target_in(tested: Target, place: Path, folder: Path, named: Named) -> Target:
    """Return the target as it is in a version; raise :class:`UsageError` if it is not there.

    ``folder`` is the folder of the working tree that ``place`` is the like of.
    """
    try:
        found = registry.named(tested.kind, _given(tested, folder), place)
    except UsageError as error:
        raise UsageError(f"--{named.name} {named.asked!r}: {error}") from error
    # The name, too: a commit's folder has another, and a label with it would make another image.
    return replace(
        found,
        name=tested.name,
        health=tested.health,
        port=tested.port,
        env=tested.env,
        python=tested.python,
        build_args=tested.build_args,
        build_target=tested.build_target,
    )


def _given(tested: Target, folder: Path) -> str:
    """Return the target's name; absolute paths in the working tree start from its folder."""

    def within(text: str) -> str:
        path = Path(text)
        is_own = path.is_absolute() and path.is_relative_to(folder)
        return str(path.relative_to(folder)) if is_own else text

    if tested.overrides:  # several files, and a service
        return ":".join(map(within, tested.given.split(":")))
    return within(tested.given)
