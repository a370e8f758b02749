"""Takes the variants that fit an application, the servers that are there, and the machine. PURE.

A variant is left out whose server is missing, or whose slots are not full before CPU is.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from loadtests.model.errors import PlanError, UsageError
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.servers import registry as servers

IN_CONTAINERS = frozenset({"compose", "swarm"})
"""Backends whose replicas are containers."""

BUILDING = "compose"
"""The backend that builds an image for each Python that variants of an import string ask for."""


def fitted(
    project: Project, asked: tuple[str, ...] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the variants to measure, and notes on what is left out.

    ``asked`` are those that the user names. Raises :class:`PlanError` if one of them cannot run in
    the interpreter, or if none can.
    """
    names, notes = served(project, asked)
    lacking = {name: _lacking(project.workers[name], project.tested) for name in names}
    left_out = {name: modules for name, modules in lacking.items() if modules}
    if not left_out:
        return names, notes
    needs = "; ".join(f"{name} needs {', '.join(left_out[name])}" for name in left_out)
    words = dict.fromkeys(
        word
        for name, modules in left_out.items()
        for word in servers.of(project.workers[name]).words_for(modules)
    )
    install = f"Install what is missing: `{_install(project.tested, words)}`"
    if asked or len(left_out) == len(names):
        others = [name for name in names if name not in left_out]
        instead = f", or measure --workers {','.join(others)}" if others else ""
        raise PlanError(f"{project.tested.python} lacks modules: {needs}. {install}{instead}.")
    note = f"Left out: {', '.join(left_out)}. {project.tested.python} lacks modules: {needs}."
    return tuple(name for name in names if name not in left_out), (*notes, f"{note} {install}.")


ASYNC_NOTE = (
    "{} is an asynchronous application (ASGI), which gunicorn's {} do not serve. Measured instead:"
    " {}."
)


def served(
    project: Project, asked: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the variants to measure by the interface of the application, and notes on them.

    Where nobody named one, those of the interface are taken. Raises :class:`UsageError` for a
    variant that was named and cannot serve the application.
    """
    names, tested = asked or project.default_workers, project.tested
    usual = servers.default_models()
    if not asked and names == usual and tested.interface is Interface.ASGI:
        instead = servers.default_models(Interface.ASGI)
        if not any(servers.can_serve(project.workers[name], tested.interface) for name in usual):
            told = ASYNC_NOTE.format(tested.application, _listed(usual), ", ".join(instead))
            return instead, (told,)
    check_served(tested, [project.workers[name] for name in names], project.workers.values())
    return names, ()


def _listed(names: tuple[str, ...]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def check_served(
    tested: Target, workers: Iterable[WorkerModel], others: Iterable[WorkerModel] | None = None
) -> None:
    """Raise :class:`UsageError` for a variant that cannot serve the target's application.

    ``others`` are all variants, of which the message names those that can; None for the built-in
    ones.
    """
    wrong = dict.fromkeys(
        each.name for each in workers if not servers.can_serve(each, tested.interface)
    )
    if not wrong or tested.interface is None:
        return
    known = servers.worker_models().values() if others is None else others
    able = [each.name for each in known if servers.can_serve(each, tested.interface)]
    is_sample = tested.kind is TargetKind.SAMPLE
    name = "The sample application" if is_sample else tested.application
    what = "an asynchronous application (ASGI)" if _is_async(tested) else "a WSGI application"
    many = len(wrong) > 1
    serve = "WSGI applications" if _is_async(tested) else "asynchronous ones (ASGI)"
    raise UsageError(
        f"{name} is {what}, and the variant{'s' * many}"
        f" {', '.join(wrong)} serve{'s' * (not many)} only {serve}. What"
        f" serves it: --workers {','.join(able)}, or a variant with a command of your own"
        " ([tool.twofold.variants])."
    )


def _is_async(tested: Target) -> bool:
    return tested.interface is Interface.ASGI


A_VARIANT_WITH_SLOTS = (
    "a variant with `slots`, where a pool of threads limits its requests (such as {server ="
    ' "uvicorn", slots = 40})'
)
"""What can be measured without a budget where no variant has slots of its own."""


def with_slots(
    workers: tuple[str, ...],
    project: Project,
    obstacle: str,
    ways: tuple[str, ...],
    *,
    as_started: bool = False,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the worker models whose slots are full before CPU is, and a note on the others.

    ``as_started`` includes what the target starts itself, whose slots are seen later. ``obstacle``
    says in a clause why CPU must not be full, and ``ways`` what fits with any worker model.
    """
    fitting = _with_slots(project, as_started=as_started)
    limited = tuple(name for name in workers if name in fitting)
    if not limited:
        own = f"--workers {','.join(fitting)}" if fitting else A_VARIANT_WITH_SLOTS
        raise PlanError(
            f"{', '.join(workers)} {'has' if len(workers) == 1 else 'have'} no limit of worker"
            f" slots, so replicas would compete for CPU, and {obstacle}. What fits:"
            f" {'; or '.join((*ways, own))}."
        )
    left_out = ", ".join(name for name in workers if name not in limited)
    if not left_out:
        return limited, ()
    return limited, (f"Left out: {left_out}, whose replicas would compete for CPU.",)


def with_their_slots(
    workers: tuple[str, ...], project: Project, *, as_started: bool = False
) -> str:
    """Return what a load that waits needs beside, as the end of a clause; "" for nothing.

    Where none of the worker models has slots, the load alone would be refused, too.
    """
    fitting = _with_slots(project, as_started=as_started)
    if not {*workers}.isdisjoint(fitting):
        return ""
    own = f"--workers {','.join(fitting)}" if fitting else A_VARIANT_WITH_SLOTS
    return f" under {own}"


def _with_slots(project: Project, *, as_started: bool) -> tuple[str, ...]:
    """Return all worker models that can serve the target and have slots."""
    return tuple(
        name
        for name, model in project.workers.items()
        if (model.slots is not None or (as_started and model.as_started))
        and servers.can_serve(model, project.tested.interface)
    )


def check_containers(project: Project, asked: Iterable[str], backend: str) -> None:
    """Raise :class:`PlanError` for a variant that a container cannot have.

    A container has the Python of its image, so that another one would be measured than is named.
    Only the image of an import string is built here, where Compose runs it; a server that is built
    from source is not put into it.
    """
    _check_built_from_source(project, asked, backend)
    own = [name for name in asked if project.workers[name].python is not None]
    is_built = backend == BUILDING and project.tested.kind is TargetKind.IMPORT_STRING
    if backend in IN_CONTAINERS and own and not is_built:
        python = project.workers[own[0]].python
        raise PlanError(
            f"The variant {own[0]} asks for the Python {python}, and a container has the one of its"
            " image. Use --backend processes, or give all containers another base image, such as"
            " TWOFOLD_BASE_IMAGE=python:3.13-slim, and leave the key python out."
        )


def _check_built_from_source(project: Project, asked: Iterable[str], backend: str) -> None:
    tested = project.tested
    if backend not in IN_CONTAINERS or tested.kind is not TargetKind.IMPORT_STRING:
        return
    for name in asked:
        worker = project.workers[name]
        server = servers.of(worker)
        # The project brings it itself if its own interpreter has it.
        if not server.in_image and server.lacking(worker, _there(tested)):
            raise PlanError(
                f"{name} needs {worker.server}, which an image that is built here does not get: it"
                " is built from source. Use --backend processes, or add it to the project's"
                " requirements and install them."
            )


def _there(tested: Target) -> list[str]:
    """Return the modules that the target's own interpreter was asked for and has."""
    return [name for name, version in (tested.modules or {}).items() if version is not None]


def _lacking(worker: WorkerModel, tested: Target) -> tuple[str, ...]:
    """Return the modules that a variant needs and the target's own interpreter lacks."""
    if tested.modules is None or worker.python is not None or worker.as_started:
        return ()
    return servers.of(worker).lacking(worker, _there(tested))


def _install(tested: Target, words: Iterable[str]) -> str:
    """Return the command that installs servers; environments of uv have no pip."""
    python = shlex.quote(tested.python or "python")
    has_pip = (tested.modules or {}).get("pip") is not None
    pip = f"{python} -m pip install" if has_pip else f"uv pip install --python {python}"
    return " ".join((pip, *words))
