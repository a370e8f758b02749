"""What differs between the versions, as far as it is known without running them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from loadtests.gate.model.plan import Side
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.model.safe_text import one_line
from loadtests.model.tested.workload import Locustfile
from loadtests.targets.configuration import project_file

MOST_DIFFERENCES = 12
"""Maximum number of differing files that are named; the others are counted."""

Hashes = Mapping[str, str]
"""The hash of each file of a version, by its path."""


def differences_of(base: Side, head: Side, hashes: Sequence[Hashes | None]) -> tuple[str, ...]:
    """Return sentences on the images, the files and the variables.

    ``hashes`` are those of base's and head's files; None for an image.
    """
    sentences = []
    if base.kind is SideKind.REF and base.commit == head.commit and base.asked != head.asked:
        commit = (base.commit or "")[:12]
        sentences.append(f"Base and head are the same commit: ref {base.asked} {commit}.")
    if base.digest == head.digest:
        same = base.environment == head.environment
        sentences.append(f"The images are identical{' (A/A)' if same else ''}.")
    elif hashes[0] is not None and hashes[1] is not None:
        sentences += _files_that_differ(hashes[0], hashes[1])
    else:
        sentences.append(f"The images differ: {base.digest[:19]} and {head.digest[:19]}.")
    sentences += _variables_that_differ(base.environment, head.environment)
    return tuple(sentences)


def of_configuration(
    name: SideName, place: Path, folder: Path, locustfile: Locustfile | None
) -> Iterator[str]:
    """Yield what of the configuration is another in a version than in the working tree.

    Both versions are measured by that of the working tree, in ``folder``, so a change of it is not
    compared. ``place`` is the like of that folder in the version.
    """
    there, here = project_file.table(place), project_file.table(folder)
    if there is not None and here is not None:
        keys = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
        if keys:
            yield (
                f"The configuration of {name} is another in {', '.join(map(one_line, keys))}. Both"
                " versions are measured by that of the working tree, so what this changes, such as"
                " the number of workers, is not compared."
            )
    path = None if locustfile is None else Path(locustfile.path)
    if path is not None and path.is_relative_to(folder):
        own = place / path.relative_to(folder)
        if own.is_file() and own.read_bytes() != path.read_bytes():
            yield (
                f"{name.capitalize()} has another {path.name}. Both versions are asked by that of"
                " the working tree."
            )


def in_no_commit(base: Hashes, head: Hashes, tracked: Collection[str]) -> Iterator[str]:
    """Yield that head is built with files that no commit has, such as what an earlier step made.

    ``tracked`` are the files that git knows.
    """
    alone = sorted(name for name in head if name not in base and name not in tracked)
    if alone:
        yield (
            f"Files of head are not in git ({len(alone)}), such as"
            f" {one_line(alone[0])}, and base is built without. If an earlier step made them, let"
            " the Dockerfile make them for both; if they are none of the application's, name them"
            " in .dockerignore."
        )


def hashes_of(folder: Path, files: Iterable[Path]) -> Hashes:
    """Return the hash of each of these files of a folder; a link counts by where it points.

    What cannot be read, as what is no file, has none.
    """
    hashes = {}
    for file in files:
        path = folder / file
        with suppress(OSError):
            if path.is_symlink():
                hashes[str(file)] = f"link to {path.readlink()}"
            elif path.is_file():
                with path.open("rb") as content:
                    hashes[str(file)] = hashlib.file_digest(content, "sha256").hexdigest()
    return hashes


def _variables_that_differ(base: Mapping[str, str], head: Mapping[str, str]) -> Iterator[str]:
    """Name the variables that differ; their values may be secrets."""
    for name in sorted({*base, *head}):
        if name not in head:
            yield f"{name} is set for base and not for head."
        elif name not in base:
            yield f"{name} is set for head and not for base."
        elif base[name] != head[name]:
            yield f"{name} has another value for head than for base."


def _files_that_differ(base: Hashes, head: Hashes) -> Iterator[str]:
    changed = [
        f"{_kind_of_change(name, base, head)}: {one_line(name)}"
        for name in sorted({*base, *head})
        if base.get(name) != head.get(name)
    ]
    yield from changed[:MOST_DIFFERENCES]
    if len(changed) > MOST_DIFFERENCES:
        yield f"and {len(changed) - MOST_DIFFERENCES} more files"
    if not changed:
        yield (
            "The files are the same, but the images differ: by files that are compiled or left out"
            " here, by their modes, or because one was built at another time."
        )


def _kind_of_change(name: str, base: Collection[str], head: Collection[str]) -> str:
    if name not in base:
        return "added"
    return "changed" if name in head else "removed"
