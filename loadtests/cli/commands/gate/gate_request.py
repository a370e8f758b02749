"""Options that ``gate`` and ``gate calibrate`` share, and the gate that they describe."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadtests.cli import (
    choices,
    load_options,
    parameters,
    results_folder,
    seeds,
    target_options,
)
from loadtests.gate import options
from loadtests.model.errors import UsageError
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.planning.variant_fit import served
from loadtests.targets import import_string, registry
from loadtests.targets.configuration import project as projects
from loadtests.targets.configuration import project_file
from loadtests.targets.dockerfile import NAMES as DOCKERFILES

if TYPE_CHECKING:
    from loadtests.gate.request import GateRequest
    from loadtests.targets.configuration.project_file import ProjectFile

DEFAULTS = options.GateOptions()

head_option = click.option(
    "--head", metavar="VERSION", help="Image, git ref or path.  [default: working tree]"
)

workers_option = click.option(
    "--workers",
    cls=parameters.ListedOption,
    listed=lambda: ", ".join(options.known_workers()),
    help="Worker models or variants that serve both versions, each compared by itself: {}, or"
    f" those of the configuration.  [default: {DEFAULTS.workers[0]}, or as an image starts]",
)

workload_option = click.option(
    "--workload",
    cls=parameters.ListedOption,
    listed=lambda: ", ".join(options.workloads()),
    help="What a request does: a workload of the configuration, one of the sample application"
    f" ({{}}), or a path such as /search?q=a.  [default: {DEFAULTS.workload} of the sample]",
)

variants_option = click.option(
    "--variants",
    callback=parameters.names,
    metavar="NAMES",
    help="One variant that serves both versions, or two that are compared on one version (--head):"
    " the first is base.",
)

build_network_option = click.option(
    "--build-network",
    type=click.Choice(("none", "host")),
    help="Network of the builds: none keeps a stranger's Dockerfile off the network.  [default: the"
    " engine's]",
)

start_limit_option = click.option(
    "--start-limit",
    "start_limit_s",
    metavar="SECONDS",
    type=float,
    help=f"How long a start may take until it answers.  [default: {DEFAULTS.start_limit_s:g}]",
)

OF_THE_TARGET = (
    *target_options.OF_VERSIONS,
    build_network_option,
    start_limit_option,
    *load_options.OF_A_LOAD,
)

DEFAULT_TARGET = "."
"""What is tested where nobody names a target."""

IN_APP = "app/Dockerfile"
"""What is built where a folder has no Dockerfile itself."""

OF_THE_SAMPLE = (IN_APP, "compose/gate.yaml")
"""Files by which a checkout of Twofold is known; others have a folder ``app`` too."""


def own_target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a user's own target and load to a command."""
    for option in reversed(OF_THE_TARGET):
        command = option(command)
    return command


def request(given: Mapping[str, Any]) -> GateRequest:
    """Return the gate for these option values; raise for invalid ones.

    An option wins over the key of the configuration's table ``gate``.
    """
    from loadtests.gate import result_files
    from loadtests.gate.request import GateRequest
    from loadtests.targets import checkout

    here, values = Path.cwd(), dict(given)
    results = results_folder.to_write_to(values["out"])
    for name in ("base", "head", "base_image", "head_image"):
        projects.check_name("The version", values[name])
    append = result_files.find(results, values["append"]) if values["append"] else None
    variables = target_options.variables(values["env"])
    file = project_file.load(values.pop("config"), here, choices.known(), given=variables)
    values = _with_file(values, file)
    if len(values["variants"] or ()) == options.MOST_VARIANTS:
        values["base"] = given["base"]  # the file's base is for gates of two versions
    by_option = any(values.get(f"target_{kind}") for kind in target_options.VERSIONED)
    project = _project(values, file, here)
    asked = _options(values, project)
    if file is not None and file.target is not None and not by_option:
        asked = replace(asked, folder=file.folder)
    checked = options.check(asked)
    results_folder.check_writable(results)
    return GateRequest(
        options=checked,
        seed=seeds.draw(values["seed"]),
        root=checkout.root(),
        here=here,
        results=results,
        command=results_folder.command_line(),
        append=append,
        keep_samples=values["samples"],
        wait=values["wait"],
    )


def history(given: Mapping[str, Any]) -> bool:
    """Return whether the gate goes into the history, by its option or the configuration."""
    variables = target_options.variables(given["env"])
    file = project_file.load(given["config"], Path.cwd(), choices.known(), given=variables)
    return bool(_with_file(dict(given), file)["history"])


def _options(values: Mapping[str, Any], project: Project | None) -> options.GateOptions:
    is_own = project is not None and project.tested.kind is not TargetKind.SAMPLE
    # An own target has its variables itself.
    env = project.tested.env if project is not None and not is_own else {}
    shared = [f"{name}={value}" for name, value in env.items()]
    names = ("margin", "max_minutes", "scaling", "profile", "start_limit_s")
    words = {name: values[name] for name in names}
    return options.GateOptions(
        project=project,
        base=values["base"],
        head=values["head"],
        base_image=values["base_image"],
        head_image=values["head_image"],
        build_network=values["build_network"],
        variants=tuple(values["variants"] or ()),
        workers=_workers(values, project, is_own=is_own),
        workload=_workload(values, project, is_own=is_own),
        base_environment=options.environment(
            (*shared, *values["base_env"]), "--base-env", is_own=is_own
        ),
        head_environment=options.environment(
            (*shared, *values["head_env"]), "--head-env", is_own=is_own
        ),
        **{name: value for name, value in words.items() if value is not None},
    )


def _workers(
    values: Mapping[str, Any], project: Project | None, *, is_own: bool
) -> tuple[str, ...]:
    named = values["workers"]
    if isinstance(named, str):
        return tuple(word.strip() for word in named.split(",") if word.strip())
    if named is not None:
        return tuple(named)
    return served(project)[0][:1] if project is not None and is_own else DEFAULTS.workers


def _workload(values: Mapping[str, Any], project: Project | None, *, is_own: bool) -> str:
    if values["workload"] is not None:
        return str(values["workload"])
    if project is None:
        return DEFAULTS.workload
    own = [name for name in project.default_workloads if project.workloads[name].is_users]
    return own[0] if own else project.default_workloads[0] if is_own else DEFAULTS.workload


def _with_file(values: dict[str, Any], file: ProjectFile | None) -> dict[str, Any]:
    """Return option values; what was not given is as in the configuration and its ``gate``."""
    if file is not None and values["start_limit_s"] is None:
        values["start_limit_s"] = file.settings.start_limit
    table = file.settings.gate if file else None
    if table is None:
        return values
    for name in type(table).model_fields:
        value = getattr(table, name)
        if name in {"base_env", "head_env"}:
            lines = [f"{variable}={text}" for variable, text in value.items()]
            values[name] = (*lines, *values[name])
        elif values.get(name) is None and value is not None:
            values[name] = value
    return values


def _project(values: dict[str, Any], file: ProjectFile | None, here: Path) -> Project | None:
    """Remove the values of the target and the load, and return the project; None without one."""
    both_images = bool(values["base_image"] and values["head_image"])
    load = {
        "requests": values.pop("requests"),
        "locustfile": values.pop("locustfile"),
        "tags": values.pop("tags"),
        "keep_waits": values.pop("keep_waits"),
        "headers": load_options.headers(values.pop("headers")),
        "generator_requirements": values.pop("generator_requirements"),
    }
    tested: dict[str, Any] = {
        "health": target_options.health(values.pop("health")),
        "port": target_options.port(values.pop("port")),
        "env": target_options.variables(values.pop("env")),
    }
    target = target_options.take_target(values, here)
    in_file = file.target if file else None
    if both_images and (target or in_file or SAMPLE).kind in {
        TargetKind.SAMPLE,
        TargetKind.IMPORT_STRING,
    }:
        target = registry.named(TargetKind.IMAGE, values["head_image"], here)
    elif target is None and in_file is None:
        target = _unnamed(values, here, wanted=file is not None or any(load.values()))
    if target is None and file is None and not any((*load.values(), *tested.values())):
        return None
    given = projects.Given(target=target, **load, **tested)
    project = projects.build(given, file, os.environ)
    if project.tested.kind is TargetKind.URL:
        raise UsageError(
            f"The target {project.tested.given} is running already, so no version of it can be"
            " built. Name what it is built from: --dockerfile ., --app shop:app or --service"
            " compose.yaml:web."
        )
    return project


def _unnamed(values: Mapping[str, Any], here: Path, *, wanted: bool) -> Target | None:
    """Return the target of this folder where nobody names one: its Dockerfile, or its application.

    Other folders and images that are named are versions that need no target. In a checkout of
    Twofold itself that is the sample application, which has no target, unless one is ``wanted``.
    """
    named = [values[name] for name in ("base", "head") if values[name] is not None]
    if any(":" in name or not _is_here(name, here) for name in named) and not wanted:
        return None
    is_sample = all((here / name).is_file() for name in OF_THE_SAMPLE)
    if is_sample and not wanted:
        return None
    has_dockerfile = any((here / name).is_file() for name in DOCKERFILES)
    if has_dockerfile or import_string.recognises(DEFAULT_TARGET, here):
        return registry.recognise(DEFAULT_TARGET, here)
    if not is_sample and (here / IN_APP).is_file():
        return registry.recognise(IN_APP, here)
    return None


def _is_here(name: str, here: Path) -> bool:
    """Tell whether a version's name is no folder, or this one: others bring their own target."""
    return not Path(name).is_dir() or Path(name).resolve() == here.resolve()
