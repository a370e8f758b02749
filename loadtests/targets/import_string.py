"""A target that is named by an import string, such as ``shop:app`` or ``shop:create_app()``."""

from __future__ import annotations

import re
from pathlib import Path

from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.form import Form

_MODULE = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_IMPORT_STRING = re.compile(rf"{_MODULE}(?::{_MODULE}(?:\(.*\))?)?")


def recognises(given: str, _: Path) -> bool:
    """Tell whether a text is a module with an attribute or a call."""
    return _IMPORT_STRING.fullmatch(given) is not None and ":" in given


def find(given: str, folder: Path) -> Target:
    """Return the application that an import string names in a folder."""
    return Target(
        kind=TargetKind.IMPORT_STRING,
        given=given,
        name=given,
        folder=str(folder),
        application=given,
    )


FORM = Form(
    kind=TargetKind.IMPORT_STRING,
    option="--app",
    metavar="shop:create_app()",
    about="a WSGI application in this folder",
    recognises=recognises,
    find=find,
)
