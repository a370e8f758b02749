"""A target that is named by an import string, such as ``shop:app`` or ``shop:create_app()``.

A module alone, a file (``shop/web.py``), and a folder without a Dockerfile are names too. The rest
is found as Flask finds it: by ``FLASK_APP``, ``wsgi.py`` or ``app.py``, and in the module.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.targets.application.folders import check_readable
from loadtests.targets.discovery import flask_source
from loadtests.targets.dockerfile import NAMES as DOCKERFILES
from loadtests.targets.form import Form

_MODULE = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_IMPORT_STRING = re.compile(rf"{_MODULE}(?::(?P<attribute>{_MODULE}(?:\(.*\))?))?")
_FILE = re.compile(r"(?P<file>[^:]+\.py)(?::.+)?")
_FLASK_APP = re.compile(
    r"^\s*(?:export\s+)?FLASK_APP[ \t]*=[ \t]*"
    r"""(?:'([^'\n]+)'|"([^"\n]+)"|([^'"\s#][^\n]*?)(?:[ \t]+#.*)?[ \t]*$)""",
    re.MULTILINE,
)
"""Its text in single quotes, in double ones, or in none and before a comment."""

FLASK_APP = "FLASK_APP"
VARIABLE_FILES = (".flaskenv", ".env")
"""Files in which Flask's command looks for ``FLASK_APP``."""

MODULES = ("wsgi", "app")
"""The modules that Flask takes where none is named."""

ASYNC_MODULES = ("main", "asgi", "api")
"""The ones after those, where the source shows an asynchronous application in them."""

COMPOSE = (".yaml", ".yml", ".json")

TAGS = frozenset({"alpine", "dev", "edge", "latest", "main", "master", "slim", "stable"})
"""Usual tags of images: with one of these, and without such a module, it is an image."""


def recognises(given: str, folder: Path) -> bool:
    """Tell whether a text is a module with or without an attribute, a file, or such a folder."""
    place = folder / given
    if _is_closed(place):
        return True  # then the folder is the trouble, and is told as such
    if _is_folder(place) and not _is_module(given, folder):
        return not _has_dockerfile(place) and bool(_flask_app(place) or _default(place))
    file = _FILE.fullmatch(given)
    if file is not None:
        path = folder / file["file"]
        return _is_file(path) or _is_closed(path.parent)
    before_colon = given.rpartition(":")[0]
    if before_colon.endswith(COMPOSE) or (before_colon and _is_file(folder / before_colon)):
        return False  # a Compose file and a service
    match = _IMPORT_STRING.fullmatch(given)
    if match is None:
        return False
    known = _is_module(given.partition(":")[0], folder)
    return known or (match["attribute"] is not None and match["attribute"] not in TAGS)


def find(given: str, folder: Path) -> Target:
    """Return the application that a text names; raise if the text names none.

    It is imported later, by the interpreter of the backend.
    """
    place = folder / given
    if _is_folder(place) and not _is_module(given, folder):
        project = place.resolve()
        check_readable(project)
        named = _flask_app(project)
        return Target(
            kind=TargetKind.IMPORT_STRING,
            given=given,
            name=project.name,
            folder=str(project),
            application=named or "",
            interface=_interface(project, named or _default(project)),
        )
    file = _FILE.fullmatch(given)
    if file is not None:
        check_readable((folder / file["file"]).resolve().parent)
    elif _IMPORT_STRING.fullmatch(given) is None:
        raise UsageError(
            f"{given!r} is no import string. Name a module, perhaps with an attribute or a call:"
            " --app shop, --app shop:app or --app 'shop:create_app()'."
        )
    return Target(
        kind=TargetKind.IMPORT_STRING,
        given=given,
        name=given,
        folder=str(folder.resolve()),
        application=given,
        interface=_interface(folder, given),
    )


def _interface(folder: Path, application: str) -> Interface | None:
    """Return ASGI where the source shows it: a plan may be made before the import."""
    return Interface.ASGI if flask_source.is_async(folder, application) else None


def _default(folder: Path) -> str:
    """Return the module that is taken where none is named; "" for none."""
    usual = next(
        (
            name
            for name in MODULES
            if _is_module(name, folder) and flask_source.offers_one(folder, name)
        ),
        "",
    )
    return usual or next(
        (
            name
            for name in ASYNC_MODULES
            if _is_file(folder / f"{name}.py") and flask_source.is_async(folder, name)
        ),
        "",
    )


def _is_module(name: str, folder: Path) -> bool:
    """Tell whether a module with code lies in the folder, or in its ``src``."""
    if _IMPORT_STRING.fullmatch(name) is None or ":" in name:
        return False
    path = Path(*name.split("."))
    if _has_dockerfile(folder / path):
        return False
    return any(
        _is_file((source / path).with_suffix(".py")) or _is_file(source / path / "__init__.py")
        for source in (folder, folder / "src")
    )


def _has_dockerfile(folder: Path) -> bool:
    return any(_is_file(folder / name) for name in DOCKERFILES)


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  that of a path raises where a folder is closed


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  likewise


def _is_closed(path: Path) -> bool:
    """Tell whether a path is a folder that this user may not read or enter."""
    return _is_folder(path) and not os.access(path, os.R_OK | os.X_OK)


def _flask_app(folder: Path) -> str | None:
    """Return ``FLASK_APP`` of the environment, where this is the working folder, or of a file."""
    if folder.resolve() == Path.cwd().resolve() and os.environ.get(FLASK_APP):
        return os.environ[FLASK_APP]
    for name in VARIABLE_FILES:
        with contextlib.suppress(OSError):
            match = _FLASK_APP.search((folder / name).read_text(errors="replace", encoding="utf-8"))
            if match is not None:
                return (match[1] or match[2] or match[3]).strip()
    return None


FORM = Form(
    kind=TargetKind.IMPORT_STRING,
    option="--app",
    metavar="shop:create_app()",
    about="a WSGI or ASGI application in this folder",
    recognises=recognises,
    find=find,
)
