"""A target that is a service of the user's Compose file, such as ``compose.yaml:web``."""

from __future__ import annotations

from pathlib import Path

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.form import Form

SUFFIXES = (".yaml", ".yml", ".json")


def recognises(given: str, folder: Path) -> bool:
    """Tell whether a text is a Compose file and a service."""
    file, colon, service = given.rpartition(":")
    return bool(colon and service) and (
        file.endswith(SUFFIXES) or ((folder / file).is_file() and bool(file))
    )


def find(given: str, folder: Path) -> Target:
    """Return the target of a Compose file's service; raise if there is no such file."""
    file, _, service = given.rpartition(":")
    path = (folder / file).resolve()
    if not path.is_file():
        raise UsageError(f"There is no Compose file {path}. Name it as compose.yaml:web.")
    return Target(
        kind=TargetKind.SERVICE,
        given=given,
        name=service,
        folder=str(path.parent),
        compose_file=str(path),
        service=service,
    )


FORM = Form(
    kind=TargetKind.SERVICE,
    option="--service",
    metavar="compose.yaml:web",
    about="a service of a Compose file, with what it needs",
    recognises=recognises,
    find=find,
)
