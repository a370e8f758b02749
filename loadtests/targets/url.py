"""A target that is running already, named by its URL."""

from __future__ import annotations

from pathlib import Path

from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.form import Form
from loadtests.targets.permission import host_and_port


def recognises(given: str, _: Path) -> bool:
    """Tell whether a text is a URL."""
    return "://" in given


def find(given: str, folder: Path) -> Target:
    """Return the target at a URL; whether it may be loaded is asked by ``permission``."""
    _, port = host_and_port(given)
    return Target(
        kind=TargetKind.URL, given=given, name=given, folder=str(folder), url=given, port=port
    )


FORM = Form(
    kind=TargetKind.URL,
    option="--url",
    metavar="http://10.77.0.11:8080",
    about="a deployment that is running already",
    recognises=recognises,
    find=find,
)
