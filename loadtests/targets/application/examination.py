"""Fills a target of an import string with what an import of it showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.model.plan import START_LIMIT_S
from loadtests.model.tested.target import Target
from loadtests.servers import registry as servers
from loadtests.targets.application import failure, inspection
from loadtests.targets.application.inspection import Inspection
from loadtests.targets.application.interpreter import Interpreter

BESIDE = ("pip",)
"""Modules that are asked for beside the servers'."""

OF_A_VARIANT = (
    "bind",
    "keepalive",
    "pidfile",
    "threads",
    "worker_class",
    "worker_connections",
    "workers",
)
"""Settings of ``gunicorn.conf.py`` that a variant sets itself."""

AFTER_EACH = {
    "max_requests": "replaces workers in the middle of a measurement",
    "reload": "watches files, which costs CPU in every replica",
    "timeout": "ends a worker that takes longer for a request",
    "preload_app": "loads the application before the workers are forked",
}
"""What settings of ``gunicorn.conf.py`` that stay in force mean for a measurement."""


IN_THREADS = (
    "{} of {} routes are `def`, not `async def`: they run in a pool of 40 threads in each process"
    " (anyio's default). Where they are what the load asks, a variant of uvicorn with `slots = 40`"
    " (for each of its processes)"
    " lets the report name that limit."
)


def seen_by(
    tested: Target, python: Interpreter, *, start_limit_s: float = START_LIMIT_S
) -> Inspection:
    """Return what an import by an interpreter shows; it may take as long as a replica's start.

    Raises :class:`~loadtests.model.errors.UsageError` if the application cannot be imported.
    """
    return inspection.inspect(
        tested.application or "",
        python=python.path,
        folder=Path(tested.folder or "."),
        env=tested.env,
        modules=modules(),
        limit_s=inspection.limit_of(start_limit_s),
    )


def modules() -> tuple[str, ...]:
    """Return the modules to ask an interpreter for: those of all servers, and ``BESIDE``."""
    of_models = [
        module
        for server in servers.SERVERS.values()
        for worker in server.worker_models
        for module in server.modules_asked(worker)
    ]
    others = [module for server in servers.SERVERS.values() for module in server.other_modules]
    return tuple(dict.fromkeys([*of_models, *others, *BESIDE]))


def described(tested: Target, seen: Inspection, python: Interpreter) -> Target:
    """Return a target with its whole import string, its interpreter, modules and notes."""
    return replace(
        tested,
        application=seen.application,
        python=python.path,
        implementation=seen.implementation,
        source=seen.source,
        interface=seen.interface,
        sets_timeout="timeout" in seen.gunicorn,
        modules=dict(seen.modules),
        notes=(*tested.notes, *_notes(tested, seen, f"{python.path} ({python.why})")),
    )


def _notes(tested: Target, seen: Inspection, python: str) -> list[str]:
    framework = failure.framework_name(seen.framework, seen.version) if seen.framework else None
    parts = (f"{seen.implementation} {seen.python}", framework or seen.what)
    notes = [f"Python: {python}, {', '.join(parts)}."]
    module = seen.application.partition(":")[0]
    if seen.application != tested.application:
        notes.append(f"{tested.given} is {seen.application}, found as Flask finds it.")
    if seen.also:
        others = ", ".join(f"{module}:{name}" for name in seen.also)
        notes.append(f"{module} has other applications too, which are not measured: {others}.")
    if seen.source:
        notes.append(f"{module} is imported from {seen.source}/.")
    if seen.debug:
        notes.append("The application's debug mode is on, which costs CPU in each request.")
    if seen.in_threads:
        notes.append(IN_THREADS.format(seen.in_threads, len(seen.routes)))
    return notes + _notes_on_settings(seen.gunicorn)


def _notes_on_settings(settings: Mapping[str, Any]) -> list[str]:
    if not settings:
        return []
    replaced = [f"{name} = {settings[name]}" for name in OF_A_VARIANT if settings.get(name)]
    aside = f", without its {', '.join(replaced)}, which each variant sets" if replaced else ""
    notes = [
        "gunicorn.conf.py of the folder is in force in the variants of gunicorn that name no other"
        f" (--config){aside}."
    ]
    for name, effect in AFTER_EACH.items():
        if settings.get(name):
            notes.append(f"gunicorn.conf.py: {name} = {settings[name]} {effect}.")
    return notes
