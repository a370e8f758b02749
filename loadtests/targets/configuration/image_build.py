"""What a file says of the build of its Dockerfile: the arguments, and the stage."""

from __future__ import annotations

from typing import Any

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.configuration.project_file import ProjectFile


def of_file(file: ProjectFile, tested: Target, named: Target | None) -> dict[str, Any]:
    """Return the fields of a target that a file gives.

    ``named`` is the target that the command line names, None if it names none. What a file says is
    for its own Dockerfile, and not for another one. Raises :class:`UsageError` where the file's own
    target is none.
    """
    settings, own = file.settings, file.target
    if not settings.build_args and settings.build_target is None:
        return {}
    is_own = named is None or (own is not None and _place(named) == _place(own))
    if tested.kind is TargetKind.DOCKERFILE and is_own:
        return {"build_args": dict(settings.build_args), "build_target": settings.build_target}
    if named is not None:
        return {}
    raise UsageError(
        f"build-args and build-target belong to a Dockerfile, and the target {tested.given!r} is"
        ' none. Name one (dockerfile = "docker/Dockerfile"), or leave them out; a Compose file has'
        " its own (build: args, target)."
    )


def _place(target: Target) -> tuple[str | None, str | None]:
    return target.folder, target.dockerfile
