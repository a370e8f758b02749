"""A target that is a service of the user's Compose file, such as ``compose.yaml:web``."""

from __future__ import annotations

from pathlib import Path

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.form import Form

SUFFIXES = (".yaml", ".yml")
OVERRIDES = ("compose.override", "docker-compose.override")


def recognises(given: str, folder: Path) -> bool:
    """Tell whether a text is a Compose file, with or without a service."""
    file, colon, service = given.rpartition(":")
    if (
        colon
        and service
        and (file.endswith(SUFFIXES) or (bool(file) and (folder / file).is_file()))
    ):
        return True
    return given.endswith(SUFFIXES) and (folder / given).is_file()


def find(given: str, folder: Path) -> Target:
    """Return the target of a Compose file's service; raise if there is no such file.

    Whether the file has the service is found when Compose reads it.
    """
    file, _, service = given.rpartition(":")
    if not file:
        raise UsageError(f"The target {given!r} names no service. Name one, as {given}:web.")
    path = (folder / file).resolve()
    if not path.is_file():
        raise UsageError(f"There is no Compose file {path}. Name it as compose.yaml:web.")
    overrides = [
        entry.name
        for entry in sorted(path.parent.iterdir())
        if entry.name.startswith(OVERRIDES) and entry.suffix in SUFFIXES and entry != path
    ]
    return Target(
        kind=TargetKind.SERVICE,
        given=given,
        name=service,
        folder=str(path.parent),
        compose_file=str(path),
        service=service,
        notes=tuple(f"{name} was not read: only {path.name} is named." for name in overrides),
    )


FORM = Form(
    kind=TargetKind.SERVICE,
    option="--service",
    metavar="compose.yaml:web",
    about="a service of a Compose file, with what it needs",
    recognises=recognises,
    find=find,
)
