"""A target that is built by a Dockerfile: the file, or the folder that has one."""

from __future__ import annotations

from pathlib import Path

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.form import Form

NAME = "Dockerfile"


def recognises(given: str, folder: Path) -> bool:
    """Tell whether a text names a folder, or a Dockerfile."""
    path = folder / given
    return path.is_dir() or (path.is_file() and NAME.lower() in path.name.lower())


def find(given: str, folder: Path) -> Target:
    """Return the application that a Dockerfile builds; raise if there is none."""
    path = (folder / given).resolve()
    dockerfile = path / NAME if path.is_dir() else path
    if not dockerfile.is_file():
        raise UsageError(f"There is no {NAME} in {path}. Name the file, or another form of target.")
    context = dockerfile.parent
    return Target(
        kind=TargetKind.DOCKERFILE,
        given=given,
        name=context.name,
        folder=str(context),
        dockerfile=str(dockerfile),
    )


FORM = Form(
    kind=TargetKind.DOCKERFILE,
    option="--dockerfile",
    metavar="docker/Dockerfile",
    about="a Dockerfile, or a folder that has one",
    recognises=recognises,
    find=find,
)
