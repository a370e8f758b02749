"""What a project's folder says of the packages that its application needs."""

from __future__ import annotations

import configparser
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from loadtests.model.errors import UsageError
from loadtests.targets.application import locks, own_projects, project_table, uv_sources
from loadtests.targets.application.own_projects import HERE, SETUP_PY
from loadtests.targets.application.project_table import PYPROJECT, table

UV_LOCK, REQUIREMENTS, POETRY_LOCK = "uv.lock", "requirements.txt", "poetry.lock"
SETUP_CFG = "setup.cfg"
READ = (UV_LOCK, REQUIREMENTS, POETRY_LOCK, *locks.TABLES, PYPROJECT, SETUP_PY, SETUP_CFG)
"""The files that may say what is needed, in the order in which they are looked for."""

CONSTRAINTS = "constraints.txt"
"""The file beside the requirements with the versions of a lock that pip cannot read."""

PIPFILE = "Pipfile"
CONDA = ("environment.yml", "environment.yaml")
FOLDER = "requirements"
"""A folder of requirements files; which of them counts, only people know."""

USUAL = ("prod.txt", "production.txt", "base.txt", "main.txt", "requirements.txt")
"""Names in that folder, those that a deployment installs first."""

_INCLUDE = re.compile(r"\s*(?:-r|--requirement|-c|--constraint)[ =]*(?P<file>[^\s#]+)")
_ELSEWHERE = r"(?!\w+\+|git@|(?!file:)\S*://)"
_LOCAL = re.compile(
    rf"\s*(?:(?:-e|--editable)[ =]*{_ELSEWHERE}[^\s#]+"
    r"|\.{1,2}(?:/[^\s#]*|\[[^\]]*\])?|file:[^\s#]+"
    rf"|{_ELSEWHERE}[^\s#@;=<>-][^\s#@;=<>]*(?:/[^\s#@;]*|\.whl|\.tar\.gz|\.zip))\s*"
)
"""A requirement that lies in the project's folder: ``-e .``, ``./lib``, ``libs/shop``, a wheel."""

_OF_A_MACHINE = re.compile(r"\s*(?P<name>[\w.-]+)\S*\s*@\s*file://(?P<path>/[^\s;#]+)")
"""A requirement that is a file of the machine where ``pip freeze`` wrote it, as with conda."""


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """The packages that an application needs.

    ``kind`` is the file that says so, None if there is none. ``files`` are the texts that have to
    lie beside one another to install them, by their paths. ``local`` are the words for pip of
    what lies in the folder itself. ``python`` is the version that the project asks for, such as
    ``>=3.11``. ``tool`` is whose project it is: pip, uv or poetry. ``needs_code`` says that they
    lie in the folder, too, so that they are installed once the code is there. ``own`` are the
    words for pip of the folder's projects, which are installed without what they need.
    """

    kind: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    local: tuple[str, ...] = ()
    python: str | None = None
    tool: str = "pip"
    needs_code: bool = False
    own: tuple[str, ...] = ()


def find(folder: Path) -> Requirements:
    """Return a folder's requirements: exact ones come first.

    Raises :class:`UsageError` for a file that cannot be read.
    """
    project = project_table.read(folder)
    asked = table(project, "project").get("requires-python")
    needed = _packages(folder, project)
    return replace(
        needed,
        python=asked if isinstance(asked, str) else None,
        own=own_projects.find(folder, project, needed.local) if needed.kind else (),
    )


def _packages(folder: Path, project: Mapping[str, Any]) -> Requirements:
    tools, static = table(project, "tool"), table(project, "project").get("dependencies")
    if (folder / UV_LOCK).is_file() and project:
        return _locked(folder, project, UV_LOCK)
    if (folder / REQUIREMENTS).is_file():
        texts: dict[str, str] = {}
        local: list[str] = []
        _collect(folder, REQUIREMENTS, texts, local)
        return Requirements(kind=REQUIREMENTS, files=texts, local=tuple(local))
    if (folder / POETRY_LOCK).is_file() and ("poetry" in tools or "project" in project):
        return _locked(folder, project, POETRY_LOCK)
    lock = locks.find(folder)
    if isinstance(static, list):
        uv_sources.check(folder, project)
        return _listed(PYPROJECT, static) if lock is None else _pinned(folder, lock, static)
    if lock == locks.PYLOCK:
        return _listed(lock, locks.listed(folder))
    if "poetry" in tools:
        return _locked(folder, project, None)
    if "build-system" in project:
        return Requirements(kind=PYPROJECT, local=(HERE,))
    if (folder / SETUP_PY).is_file():
        return Requirements(kind=SETUP_PY, local=(HERE,))
    listed = _of_setup_cfg(folder)
    return Requirements() if listed is None else _listed(SETUP_CFG, listed)


def _listed(kind: str, listed: list[Any]) -> Requirements:
    text = "".join(f"{requirement}\n" for requirement in listed)
    return Requirements(kind=kind, files={REQUIREMENTS: text})


def _pinned(folder: Path, lock: str, listed: list[Any]) -> Requirements:
    """Return what a project lists, at the versions of a lock that pip cannot read."""
    text = "".join(f"{line}\n" for line in (f"--constraint {CONSTRAINTS}", *listed))
    pins = locks.constraints(folder, lock)
    return Requirements(kind=lock, files={REQUIREMENTS: text, CONSTRAINTS: pins})


def _locked(folder: Path, project: Mapping[str, Any], lock: str | None) -> Requirements:
    """Return what uv takes from its lock, and pip from Poetry's or from the project alone."""
    uv_sources.check_locked(folder, project, is_uv=lock == UV_LOCK)
    names = (PYPROJECT, lock) if lock else (PYPROJECT,)
    return Requirements(
        kind=lock or PYPROJECT,
        files={name: project_table.text(folder, name) for name in names},
        tool="uv" if lock == UV_LOCK else "poetry",
        needs_code=any(map(_lies_in_the_folder, _sources(project, lock))),
    )


def _sources(project: Mapping[str, Any], lock: str | None) -> Iterator[Any]:
    """Give where packages of uv and Poetry come from, and the licence, which may be read."""
    tools = table(project, "tool")
    if lock == UV_LOCK:
        sources = table(table(tools, "uv"), "sources")
    else:
        sources = table(table(tools, "poetry"), "dependencies")
        yield table(project, "project").get("license")
    for entry in sources.values():
        yield from entry if isinstance(entry, list) else (entry,)


def _lies_in_the_folder(entry: object) -> bool:
    return isinstance(entry, Mapping) and not {"path", "file"}.isdisjoint(entry)


def _of_setup_cfg(folder: Path) -> list[str] | None:
    """Return what ``setup.cfg`` lists; None if it lists nothing: it may be about tools alone."""
    if not (folder / SETUP_CFG).is_file():
        return None
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(project_table.text(folder, SETUP_CFG))
    except configparser.Error as error:
        raise UsageError(f"{folder / SETUP_CFG} cannot be read: {error}.") from None
    listed = parser.get("options", "install_requires", fallback="")
    lines = (line.strip() for line in listed.splitlines())
    return [line for line in lines if line] or None


def what_to_add(folder: Path, needed: Requirements) -> str:
    """Return what to do where the image of a folder lacks a package that its application needs."""
    if needed.kind is not None:
        return f"The image has what {needed.kind} names. Name its package there."
    looked = f"{', '.join(READ[:-1])} or {READ[-1]}"
    return (
        f"The image has what a folder's {looked} names, and {folder} has none of them."
        f" {unread(folder) or f'Name its package in a {REQUIREMENTS}.'}"
    )


def unread(folder: Path) -> str | None:
    """Return what to do with files of requirements that are not read, or None without any."""
    if (folder / PIPFILE).is_file():
        return f"Its {PIPFILE} is not read: pipenv requirements > {REQUIREMENTS}"
    listed = [f"{FOLDER}/{path.name}" for path in sorted((folder / FOLDER).glob("*.txt"))]
    listed += [path.name for path in sorted(folder.glob("requirements[-_.]*.txt"))]
    if listed:
        name = min(listed, key=_usual)
        where = f"folder {FOLDER}/" if "/" in name else name
        return f"Its {where} is not read: write a {REQUIREMENTS} with the line -r {name}"
    conda = next((name for name in CONDA if (folder / name).is_file()), None)
    if conda is not None:
        return f"Its {conda} is not read: pip list --format=freeze > {REQUIREMENTS}"
    return None


def _usual(path: str) -> int:
    """Return the place of a requirements file among the usual ones, which go before others."""
    name = re.sub(r"^requirements[-_./]", "", path)
    return USUAL.index(name) if name in USUAL else len(USUAL)


def _collect(folder: Path, name: str, files: dict[str, str], local: list[str]) -> None:
    """Add a requirements file and those that it includes; what is in the folder goes to ``local``.

    A line that names the folder itself has to wait until the code is there.
    """
    kept = []
    files[name] = ""
    for line in project_table.text(folder, name).splitlines():
        _check_no_file(folder, name, line)
        included, own = _INCLUDE.match(line), _LOCAL.fullmatch(line.partition(" #")[0])
        if own is not None:
            words = shlex.join(line.partition(" #")[0].split())
            _check_inside(folder, name, own_projects.place_of(words))
            local.append(words)
            continue
        if included is not None and "://" not in included["file"]:
            path = posixpath.normpath((Path(name).parent / included["file"]).as_posix())
            _check_inside(folder, name, path, included["file"])
            if path not in files:
                _collect(folder, path, files, local)
        kept.append(line)
    files[name] = "".join(f"{line}\n" for line in kept)


def _check_no_file(folder: Path, name: str, line: str) -> None:
    """Raise :class:`UsageError` for a requirement that only the machine has that wrote it."""
    match = _OF_A_MACHINE.match(line)
    if match is not None:
        raise UsageError(
            f"{folder / name} takes {match['name']} from {match['path']}, which no image of the"
            " folder has. pip freeze writes such lines, mostly with conda. Name versions instead:"
            f" pip list --format=freeze > {name}"
        )


def _check_inside(folder: Path, name: str, path: str, asked: str | None = None) -> None:
    """Raise :class:`UsageError` for a path that a requirements file names outside of the folder."""
    if uv_sources.leads_out(path):
        raise UsageError(
            f"{folder / name} includes {asked or path}, which lies outside of {folder}, so no image"
            " of the folder has it. Copy it into the folder."
        )
