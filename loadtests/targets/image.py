"""A target that is an image, such as ``shop:1.2``."""

from __future__ import annotations

import os
from pathlib import Path

from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.form import Form


def recognises(given: str, folder: Path) -> bool:
    """Tell whether a text can be an image's name; tried last, since almost every text can.

    A file that no other form has recognised is none: a start script, or a server's settings.
    """
    if os.path.isfile(folder / given):  # noqa: PTH113  that of a path may raise
        return False
    return bool(given) and not given.startswith(("-", ".")) and not any(map(str.isspace, given))


def find(given: str, _: Path) -> Target:
    """Return the target of an image's name; whether the engine has it is seen when it starts."""
    return Target(kind=TargetKind.IMAGE, given=given, name=given, image=given)


FORM = Form(
    kind=TargetKind.IMAGE,
    option="--image",
    metavar="shop:1.2",
    about="an image, as it starts itself",
    recognises=recognises,
    find=find,
)
