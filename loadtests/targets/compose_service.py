"""A target that is a service of the user's Compose file, such as ``compose.yaml:web``.

Several files are merged as Compose merges them: ``compose.yaml:compose.prod.yaml:web``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.compose_file import files
from loadtests.targets.form import Form

SUFFIXES = (".yaml", ".yml")


def recognises(given: str, folder: Path) -> bool:
    """Tell whether a text is a Compose file, with or without a service."""
    named, colon, service = given.rpartition(":")
    if colon and service:
        names = files.split(named, folder)
        if named.endswith(SUFFIXES) or all((folder / name).is_file() for name in names):
            return True
    return given.endswith(SUFFIXES) and (folder / given).is_file()


def find(given: str, folder: Path) -> Target:
    """Return the target of a service of a Compose file, or of several; raise if one is not there.

    Whether they have the service is found when Compose reads them.
    """
    named, _, service = given.rpartition(":")
    if not named or (service.endswith(SUFFIXES) and files.is_file(folder, service)):
        raise UsageError(f"The target {given!r} names no service. Name one, as {given}:web.")
    names = files.split(named, folder)
    paths = [(folder / name).resolve() for name in names]
    for path in paths:
        if not path.is_file():
            raise UsageError(f"There is no Compose file {path}. Name it as compose.yaml:web.")
    base, *overrides = map(str, paths)
    return Target(
        kind=TargetKind.SERVICE,
        given=given,
        name=service,
        folder=str(paths[0].parent),
        compose_file=base,
        overrides=tuple(overrides),
        service=service,
        notes=tuple(_unread(paths, service, folder)),
    )


def _unread(paths: Sequence[Path], service: str, folder: Path) -> Iterator[str]:
    """Yield a sentence where Compose itself would read further files of the project's folder."""
    home = paths[0].parent
    names = [name for name in files.chosen(home, os.environ) if files.is_file(home, name)]
    chosen = [(home / name).resolve() for name in names]
    unread = [path.name for path in chosen if path not in paths]
    if unread and paths[0] in chosen:
        all_of_them = files.joined([os.path.relpath(path, folder) for path in chosen])
        yield (
            f"Not read, since the target does not name it: {', '.join(unread)}. Compose itself"
            f" would read it. To test with it, name {all_of_them}:{service}."
        )


FORM = Form(
    kind=TargetKind.SERVICE,
    option="--service",
    metavar="compose.yaml:web",
    about="a service of a Compose file, with what it needs",
    recognises=recognises,
    find=find,
)
