"""A target that is an image, such as ``shop:1.2``."""

from __future__ import annotations

import os
import re
from pathlib import Path

from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.form import Form

_ADDRESS = re.compile(r"(localhost|\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):\d{1,5}/?")


def recognises(given: str, folder: Path) -> bool:
    """Tell whether a text can be an image's name; tried last, since almost every text can.

    A file that no other form has recognised is none: a start script, or a server's settings. Nor is
    an address, which is a URL without its scheme.
    """
    if os.path.isfile(folder / given):  # noqa: PTH113  that of a path may raise
        return False
    if is_an_address(given):
        return False
    return bool(given) and not given.startswith(("-", ".")) and not any(map(str.isspace, given))


def is_an_address(given: str) -> bool:
    """Tell whether a text is this machine's name or an IP address with a port, and no more.

    ``localhost:5000/shop`` is an image of a registry.
    """
    return _ADDRESS.fullmatch(given) is not None


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
