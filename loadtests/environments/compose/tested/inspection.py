"""Looks at the user's target before anything is planned or started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.environments.compose.tested import build_context
from loadtests.environments.compose.tested.compose_file import reading
from loadtests.environments.compose.tested.hidden import Hidden
from loadtests.environments.compose.tested.subject import Part, Subject, tag_of
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.application import build_context as project_files
from loadtests.targets.application import requirements
from loadtests.targets.application.folders import check_readable
from loadtests.tools.docker import Engine
from loadtests.tools.docker_compose import Compose

NO_WAY_OUT = "The stack's network has no way out: requests of the application to other hosts fail."
LIMITS = (
    "Replicas get a CPU budget, an equal part of half the memory (unless they have a limit), and no"
    " restart policy. Their image is started as it is. No container gets more than 4096 processes,"
    " and no service beside the replicas more than the other half (unless it has a limit)."
)
OWN_SERVER = "Replicas get a CPU budget; their server is started as the variant says."


def inspect(tested: Target, engine: Engine, compose: Compose) -> Subject | None:
    """Return the target's services; None for the sample application, which is ours.

    Raises :class:`UsageError` for what cannot be used as it is. Nothing is started or built.
    """
    match tested.kind:
        case TargetKind.IMAGE:
            subject = _image(tested, engine)
        case TargetKind.DOCKERFILE:
            subject = _dockerfile(tested)
        case TargetKind.SERVICE:
            subject = reading.read(compose, tested)
            _check_contexts(subject)
        case TargetKind.IMPORT_STRING:
            subject = _folder(tested)
        case TargetKind.SAMPLE:
            return None
        case TargetKind.URL:
            raise UsageError(
                f"{tested.given} is running already, so no backend starts it in containers."
            )
    return with_variables(subject, tested)


def seen(tested: Target, subject: Subject | None) -> Target:
    """Return the target with what is changed, ignored or added, as far as it is known by now."""
    if subject is None:
        return tested
    limits = OWN_SERVER if tested.kind is TargetKind.IMPORT_STRING else LIMITS
    return replace(
        tested,
        needs=tuple(part.name for part in subject.needs),
        notes=(*tested.notes, *subject.notes, limits, NO_WAY_OUT),
    )


def with_variables(subject: Subject, tested: Target) -> Subject:
    """Return the subject with the target's variables, which win over its own."""
    if not tested.env:
        return subject
    hidden = Hidden(subject.values)
    definition = dict(subject.measured.definition)
    definition["environment"] = {
        **definition.get("environment", {}),
        **{name: hidden.text(value) for name, value in tested.env.items()},
    }
    measured = replace(subject.measured, definition=definition)
    return replace(subject, measured=measured, values=hidden.values)


def _image(tested: Target, engine: Engine) -> Subject:
    assert tested.image is not None
    if engine.image(tested.image) is None and (why := engine.why_not_pulled(tested.image)):
        raise UsageError(
            f"There is no target {tested.given!r}: no file, folder or Compose service of this"
            f" name, no such image on the engine, and no registry gives one ({why}). Build or pull"
            " the image, or name another target: a folder, shop:app, compose.yaml:web."
        )
    return Subject(measured=Part(name=tested.name, service="app", image=tested.image))


def _dockerfile(tested: Target) -> Subject:
    assert tested.folder is not None
    assert tested.dockerfile is not None
    folder, file = Path(tested.folder), Path(tested.dockerfile)
    build_context.check(folder, file)
    part = Part(
        name=tested.name,
        service="app",
        image=f"{tag_of(file)}:latest",
        build=_section(tested, folder, file),
    )
    return Subject(measured=part)


def _section(tested: Target, folder: Path, file: Path) -> dict[str, Any]:
    """Return the section that builds a Dockerfile, in Compose's words."""
    section: dict[str, Any] = {"context": str(folder), "dockerfile": str(file)}
    if tested.build_args:
        section["args"] = dict(tested.build_args)
    if tested.build_target is not None:
        section["target"] = tested.build_target
    return section


def _folder(tested: Target) -> Subject:
    """Return the subject of an import string; its image is built when the stack is opened."""
    folder = Path(tested.folder or ".")
    check_readable(folder)
    needed = requirements.find(folder)
    large = project_files.note(project_files.find(folder))
    made = f"The image is made from {folder} and its {needed.kind}."
    if needed.kind is None:
        made = f"The image is made from {folder}, which names no requirements: servers are added."
        unread = requirements.unread(folder)
        made = made if unread is None else f"{made} {unread}."
    return Subject(
        measured=Part(name=tested.name, service="app", image=""),
        notes=(made, *([large] if large is not None else [])),
    )


def _check_contexts(subject: Subject) -> None:
    for part in subject.parts:
        if part.build is None:
            continue
        context = Path(str(part.build.get("context") or "."))
        if context.is_dir():
            dockerfile = context / str(part.build.get("dockerfile") or "Dockerfile")
            build_context.check(context, dockerfile)
        elif context.is_absolute():
            raise UsageError(
                f"The service {part.name} is built from {context}, and there is no such folder."
            )
