"""The files that Compose reads for a version's Compose file, and which of them are outside it.

Compose puts what it reads into variables of the version's containers, and so does it with files
of this machine: ``env_file: /etc/environment``, or another project's ``.env``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from loadtests.gate.tested.places import VARIABLES
from loadtests.model.errors import UsageError
from loadtests.model.safe_text import one_line
from loadtests.model.tested.target import Target
from loadtests.targets.compose_file import variables
from loadtests.tools import docker_compose

OF_A_SERVICE = ("env_file", "label_file")


def of(files: Sequence[Path], root: Path, *, own: Path | None = None) -> frozenset[str]:
    """Return what Compose reads outside ``root`` for Compose files, in words.

    ``own`` is a file that the version does not bring, and that may be a link: the user's ``.env``.
    A place with a variable counts as outside, since its value is not known here. So does a key or a
    place that is no text here: Compose makes texts of some, such as ``!!binary``.
    """
    return frozenset(map(one_line, _Reading(root, own).project(files, files[0].parent)))


@contextmanager
def told_of_files_in_no_commit(tested: Target, place: Path, folder: Path) -> Iterator[None]:
    """Add to an error that names a file of variables that it is in no commit, and what to do.

    ``place`` is the folder of a version, and ``folder`` the like of it in the working tree.
    """
    try:
        yield
    except UsageError as error:
        file = Path(tested.compose_file or place)
        files = (file, *map(Path, tested.overrides))
        own = folder / os.path.relpath(file.parent, place)
        named = (name for each in files for name in _variable_files(each))
        names = [name for name in named if Path(name).name in str(error)]
        alone = [
            one_line(name)
            for name in dict.fromkeys(names)
            if os.path.isfile(own / name)  # noqa: PTH113  that of a path may raise
            and not os.path.exists(file.parent / name)  # noqa: PTH110  likewise
        ]
        if not alone:
            raise
        raise UsageError(
            f"{error} Only the working tree has {', '.join(alone)}: git does not know it. Add it to"
            " a commit, or name a folder of the version that has it, such as --base ../main."
        ) from error


def _variable_files(file: Path) -> Iterator[str]:
    """Yield the files of variables that the services of a Compose file name."""
    document: Mapping[str, Any] = {}
    with suppress(OSError, UnicodeDecodeError, UsageError):
        document = docker_compose.parse(file.read_text(encoding="utf-8"))
    services = document.get("services")
    for service in services.values() if isinstance(services, Mapping) else ():
        if isinstance(service, Mapping):
            yield from variables.files_of(service)


class _Reading:
    """Follows the files that a Compose file names, each once."""

    def __init__(self, root: Path, own: Path | None) -> None:
        self._root = root.resolve()
        self._own = own
        self._seen: set[tuple[Path, Path]] = set()

    def project(self, files: Sequence[Path], folder: Path) -> Iterator[str]:
        """Yield what a project reads; ``folder`` is what the places in its files start from."""
        if (folder / VARIABLES).is_symlink():
            yield from self._outside(VARIABLES, VARIABLES, folder)
        for file in files:
            yield from self._file(file, folder)

    def _file(self, file: Path, folder: Path) -> Iterator[str]:
        key = (file.resolve(), folder.resolve())
        if key in self._seen:
            return
        self._seen.add(key)
        try:
            document = docker_compose.parse(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, UsageError):
            yield f"{file.name}, which cannot be read"
            return
        for unread in _keys_of_bytes(document):
            yield f"{file.name}: key {unread!r}"
        services = document.get("services")
        for name, service in services.items() if isinstance(services, Mapping) else ():
            if isinstance(service, Mapping):
                yield from self._service(str(name), service, folder)
        for entry in _listed(document.get("include")):
            yield from self._included(entry, folder)

    def _service(self, name: str, service: Mapping[str, Any], folder: Path) -> Iterator[str]:
        for key in OF_A_SERVICE:
            for place in map(_path, _listed(service.get(key))):
                yield from self._outside(f"{name}: {key}", place, folder)
        extended = service.get("extends")
        place = extended.get("file") if isinstance(extended, Mapping) else None
        if place:
            yield from self._followed(f"{name}: extends", [place], folder, None)

    def _included(self, entry: Any, folder: Path) -> Iterator[str]:
        settings = entry if isinstance(entry, Mapping) else {"path": entry}
        for place in _listed(settings.get("env_file")):
            yield from self._outside("include.env_file", place, folder)
        own = settings.get("project_directory")
        if own:
            yield from self._outside("include.project_directory", own, folder)
        yield from self._followed("include", _listed(settings.get("path")), folder, own)

    def _followed(
        self, key: str, places: list[Any], folder: Path, own_folder: Any
    ) -> Iterator[str]:
        """Yield what further Compose files are and read; they are read only inside the version."""
        for place in places:
            rights = list(self._outside(key, place, folder))
            if not rights and not (folder / place).is_file():  # such as a repository's address
                rights = [f"{key} {place}"]
            yield from rights
            if rights:
                return
        if places:
            files = [folder / place for place in places]
            own = folder / str(own_folder) if own_folder else files[0].parent
            yield from self.project(files, own)

    def _outside(self, key: str, place: Any, folder: Path) -> Iterator[str]:
        """Yield a place that is not in the version, as it is written, and where links lead."""
        if not isinstance(place, str):
            yield f"{key} {place!r}"
            return
        if "$" in place or "://" in place or place.startswith("~"):  # Compose expands ~, too
            yield f"{key} {place}"
            return
        if folder / place == self._own:
            return
        try:
            # Compose joins the words first, and follows links then.
            path = Path(os.path.normpath(folder.resolve() / place)).resolve()
        except (OSError, RuntimeError):  # links in a circle
            yield f"{key} {place}"
            return
        if not path.is_relative_to(self._root):
            is_link = os.path.normpath(folder.resolve() / place) != str(path)
            yield f"{key} {place}{f' → {path}' if is_link else ''}"


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _path(entry: Any) -> Any:
    return entry.get("path") or "" if isinstance(entry, Mapping) else entry


def _keys_of_bytes(document: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the keys of a document, at any depth, that Compose reads as texts and this does not."""
    left: list[Any] = [document]
    while left:
        value = left.pop()
        if isinstance(value, Mapping):
            yield from (key for key in value if isinstance(key, bytes))
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
