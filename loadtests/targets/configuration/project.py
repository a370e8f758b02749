"""Builds a project from the configuration file and the options; an option wins over its key."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadtests.config import names
from loadtests.config.placeholders import faults_in_path
from loadtests.model.errors import UsageError
from loadtests.model.plan import WorkerModel
from loadtests.model.safe_text import is_utf8, printable
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.project import Project
from loadtests.model.tested.swarm import SwarmAccess
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.model.tested.workload import RequestSpec, Workload
from loadtests.targets import plain, sample
from loadtests.targets.configuration import image_build, load
from loadtests.targets.configuration.project_file import ProjectFile
from loadtests.targets.configuration.variants import variant

if TYPE_CHECKING:
    from loadtests.config.tables.external import ExternalTable
    from loadtests.config.tables.swarm import SwarmTable


_NO_NAME = re.compile(r"[^A-Za-z0-9_-]+")
MOST_OF_A_NAME = 40
"""Characters of a workload's name; reports and files carry it."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the command line says of the target and of its load; None and empty mean nothing."""

    target: Target | None = None
    health: str | None = None
    port: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None
    through: str | None = None
    requests: tuple[str, ...] = ()
    locustfile: Path | None = None
    tags: tuple[str, ...] = ()
    keep_waits: bool | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    generator_requirements: Path | None = None
    reset_command: tuple[str, ...] = ()


def build(given: Given, file: ProjectFile | None, environ: Mapping[str, str]) -> Project:
    """Return the project; raise :class:`UsageError` where no target is named, or a bad value.

    ``environ`` has the values of the variables that the file passes on by name.
    """
    tested = _without_variants(_tested(given, file, environ), given, file)
    _check_through(tested)
    is_sample = tested.kind is TargetKind.SAMPLE
    base = sample.project() if is_sample else plain.project(tested)
    named = _Named(file, tested)
    declared = _declared_variants(file, base)
    from_options, in_file = _workloads_of_options(given), _declared_workloads(given, file)
    own = {**in_file, **from_options} or dict(base.workloads)
    if not (in_file or from_options or is_sample):
        tested = plain.with_note(tested)
    own = {name: _with_headers(workload, given) for name, workload in own.items()}
    _check_load(given, own)
    workers = {**base.workers, **declared}
    workloads = {**base.workloads, **own} if is_sample else own
    names.check("variant", named.workers, workers)
    names.check("workload", named.workloads, workloads)
    project = Project(
        tested=tested,
        workers=workers,
        workloads=workloads,
        default_workers=named.workers or tuple(declared) or base.default_workers,
        default_workloads=tuple(from_options)
        or named.workloads
        or tuple(in_file)
        or base.default_workloads,
        checks=(*base.checks, *(load.check(table) for table in named.checks)),
        reset_command=given.reset_command or named.reset_command or _reset_hook(tested),
    )
    _check_names(project)
    return project


def check_name(what: str, name: str | None) -> None:
    """Raise :class:`UsageError` for a name that is not UTF-8: no file of a run can have it."""
    if name is not None and not is_utf8(name):
        raise UsageError(
            f"{what} {printable(name)!r} has a name that is not UTF-8, and the files of a run are."
            " Give it another name."
        )


def _check_names(project: Project) -> None:
    """Check all that is written down of a project and may be a path."""
    tested = project.tested
    files = (tested.dockerfile, tested.compose_file, *tested.overrides)
    for name in (tested.given, tested.folder, *files):
        check_name("The target", name)
    check_name("The Python", tested.python)
    for workload in project.workloads.values():
        if workload.locustfile is not None:
            check_name("The locustfile", workload.locustfile.path)
            check_name("The requirements file", workload.locustfile.requirements)
    for word in project.reset_command:
        check_name("The reset command's word", word)


def check_workers(tested: Target, workers: Sequence[str], *, key: str) -> None:
    """Raise :class:`UsageError` where a variant is named for a deployment that is running already.

    ``key`` is where it was named, for the message.
    """
    others = [name for name in workers if name != plain.AS_STARTED]
    if tested.kind is TargetKind.URL and others:
        raise UsageError(
            f"{key} names {others[0]}, and {tested.given} is served by what runs there: Twofold"
            " starts no server for it. Leave it out."
        )


def _without_variants(tested: Target, given: Given, file: ProjectFile | None) -> Target:
    """Return a target; one that is running already gets a note on variants that are not for it.

    Raises :class:`UsageError` where the file names variants for a URL of its own.
    """
    if tested.kind is not TargetKind.URL or file is None:
        return tested
    if given.target is None:
        check_workers(tested, file.settings.workers or (), key="workers")
    workers = (name for name in file.settings.workers or () if name != plain.AS_STARTED)
    variants = ", ".join(file.settings.variants or workers)
    if not variants:
        return tested
    note = (
        f"The variants of {file.file} ({variants}) are not measured: a deployment at a URL has the"
        " server that it has."
    )
    return replace(tested, notes=(*tested.notes, note))


def _check_through(tested: Target) -> None:
    """Raise :class:`UsageError` for a proxy of the user's where no Compose file has one."""
    if tested.through is not None and tested.kind is not TargetKind.SERVICE:
        raise UsageError(
            f"--through {tested.through} names a service of a Compose file, and the target"
            f" {tested.given or 'sample'!r} is none. Name one: twofold run compose.yaml:web"
            f" --through {tested.through}"
        )


def _reset_hook(tested: Target) -> tuple[str, ...]:
    return tested.hooks.reset if tested.hooks else ()


class _Named:
    """What a file names, or nothing without a file."""

    def __init__(self, file: ProjectFile | None, tested: Target) -> None:
        settings = file.settings if file else None
        workers = settings.workers if settings and tested.kind is not TargetKind.URL else None
        self.workers = tuple(workers or ())
        self.workloads = tuple(settings.workload or ()) if settings else ()
        self.checks = tuple(settings.checks) if settings else ()
        self.reset_command = tuple(settings.reset_command or ()) if settings else ()


def _tested(given: Given, file: ProjectFile | None, environ: Mapping[str, str]) -> Target:
    tested = given.target or (file.target if file else None)
    if tested is None:
        if file is not None:
            raise UsageError(
                f'{file.file} names no target. Add target = "shop:create_app()" (or a folder, an'
                " image, a Compose service, a URL), or name it: twofold run TARGET."
                " `twofold init` finds it."
            )
        tested = SAMPLE
    if file is None:
        return replace(
            tested,
            health=given.health or tested.health,
            port=_port(given, tested, None),
            env={**tested.env, **given.env},
            python=given.python or tested.python,
            through=given.through,
        )
    settings = file.settings
    passed = {name: environ[name] for name in settings.pass_env if name in environ}
    return replace(
        tested,
        health=given.health or settings.health or tested.health,
        port=_port(given, tested, settings.port),
        env={**tested.env, **settings.env, **passed, **given.env},
        python=given.python or _python(settings.python, file.folder) or tested.python,
        through=given.through or settings.through,
        hooks=tested.hooks if settings.external is None else _hooks(settings.external, file.folder),
        swarm=tested.swarm if settings.swarm is None else _swarm(settings.swarm),
        **image_build.of_file(file, tested, given.target),
    )


def _port(given: Given, tested: Target, of_file: int | None) -> int | None:
    """Return a target's port; a URL's is in it, and the permission to load is for that one.

    Raises :class:`UsageError` for an option that names another way to a URL.
    """
    if tested.kind is not TargetKind.URL:
        return given.port or of_file or tested.port
    if given.port is not None:
        raise UsageError(
            f"--port {given.port} is for the containers of a target, and {tested.given} has its"
            " port in the URL. Write it there, and leave --port out."
        )
    return tested.port


def _python(python: str | None, folder: Path) -> str | None:
    """Return an interpreter; a path starts from the file's folder, a name from PATH."""
    if python is None or "/" not in python:
        return python
    return os.path.normpath(folder / Path(python).expanduser())


def _hooks(table: ExternalTable, folder: Path) -> Hooks:
    """Return the hooks of a table in a folder; what it leaves out is as in the record."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name in type(table).model_fields
        if (value := getattr(table, name)) is not None
    }
    return Hooks(**fields, folder=str(folder.resolve()))


def _swarm(table: SwarmTable) -> SwarmAccess:
    return SwarmAccess(
        nodes=dict(table.nodes), builder=table.builder, encrypted=bool(table.encrypted)
    )


def _declared_variants(file: ProjectFile | None, base: Project) -> dict[str, WorkerModel]:
    if base.tested.kind is TargetKind.URL:
        return {}
    tables = file.settings.variants if file else {}
    models = {name: variant(name, table) for name, table in tables.items()}
    if file is None:
        return models
    return {
        name: replace(model, python=_python(model.python, file.folder))
        for name, model in models.items()
    }


def _declared_workloads(given: Given, file: ProjectFile | None) -> dict[str, Workload]:
    if file is None:
        return {}
    tags = given.tags or tuple(file.settings.tags)
    return {
        name: _with_options(
            load.workload(name, table, file.values.get(name, {}), file.folder, tags), given
        )
        for name, table in file.settings.workloads.items()
    }


def _with_headers(workload: Workload, given: Given) -> Workload:
    """Return a workload of the user's own with the headers of the options."""
    if not workload.is_users or not given.headers:
        return workload
    return replace(workload, headers={**workload.headers, **given.headers})


def _with_options(workload: Workload, given: Given) -> Workload:
    """Return a workload with the options for locustfiles, if it has one."""
    if workload.locustfile is None:
        return workload
    locustfile = workload.locustfile
    return replace(
        workload,
        locustfile=replace(
            locustfile,
            tags=given.tags or locustfile.tags,
            keep_waits=(locustfile.keep_waits if given.keep_waits is None else given.keep_waits),
            requirements=(
                _existing("--generator-requirements", given.generator_requirements)
                if given.generator_requirements
                else locustfile.requirements
            ),
        ),
    )


def _workloads_of_options(given: Given) -> dict[str, Workload]:
    """Return the workloads of ``--request`` and ``--locustfile``."""
    workloads = []
    if given.requests:
        requests = tuple(map(_requested, given.requests))
        workloads.append(load.of_requests(plain.WORKLOAD, requests))
    if given.locustfile is not None:
        path = Path(_existing("--locustfile", given.locustfile))
        workloads.append(
            _with_options(
                Workload(name=path.stem, path=load.ANY_PATH, locustfile=load.locustfile(path)),
                given,
            )
        )
    return {workload.name: workload for workload in workloads}


def _requested(text: str) -> RequestSpec:
    """Return the request of an option; raise :class:`UsageError` for a text that is none."""
    try:
        request = load.of_line(text)
    except UsageError as error:
        raise UsageError(f"--request: {error}") from None
    for fault in faults_in_path(request.path, ()):
        raise UsageError(f"--request: {fault}")
    return request


def _existing(option: str, file: Path) -> str:
    """Return the absolute path of an option's file; raise :class:`UsageError` without it."""
    with suppress(OSError):  # a name that is too long
        if file.is_file():
            return str(file.resolve())
    raise UsageError(
        f"{option} {file}: there is no such file. A relative path starts from the current folder."
    )


def _check_load(given: Given, workloads: Mapping[str, Workload]) -> None:
    """Raise :class:`UsageError` for options of a locustfile where no workload has one."""
    options = {
        "--tags": given.tags,
        "--keep-waits": given.keep_waits,
        "--generator-requirements": given.generator_requirements,
    }
    named = [option for option, value in options.items() if value]
    if named and not any(workload.locustfile for workload in workloads.values()):
        raise UsageError(
            f"{named[0]} belongs to a locustfile, and no workload has one. Add --locustfile FILE."
        )
