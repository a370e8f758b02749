"""The options that ``run`` and ``plan`` share, and the run that they describe."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from loadtests.cli import (
    choices,
    load_options,
    parameters,
    results_folder,
    seeds,
    target_options,
)
from loadtests.config import options
from loadtests.environments.protocol import Chosen
from loadtests.model.errors import UsageError
from loadtests.model.plan import Plan
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets import permission
from loadtests.targets.configuration import project as projects
from loadtests.targets.configuration import project_file
from loadtests.targets.configuration.project_file import ProjectFile

DEFAULTS = options.Options()

NOT_YOURS = (
    "This is the sample application that Twofold carries. To measure your own, name it (twofold run"
    " shop:app), or let Twofold look around: twofold init."
)

KEYS = {
    "backend": "backend",
    "replicas": "replicas",
    "rounds": "rounds",
    "precision_ratio": "precision",
    "target": "factor",
    "seed": "seed",
    "probe": "probe",
    "latency": "latency",
    "slo": "slo",
    "generator_processes": "generator_processes",
    "generator_workers": "generator_workers",
    "start_limit_s": "start_limit",
    "profile": "profile",
}
"""Each option with a key in the configuration file, and the key's field."""

_OF_A_RUN = (
    click.option(
        "--backend",
        cls=parameters.ListedOption,
        listed=lambda: choices.described(choices.of_a_run().backends),
        help=f"What the servers run in: {{}}.  [default: {DEFAULTS.backend}]",
    ),
    click.option(
        "--workers",
        "--variants",
        "workers",
        cls=parameters.ListedOption,
        listed=lambda: ", ".join(choices.of_a_run().workers),
        callback=parameters.names,
        help="Variants to test: built-in ones, or those of the configuration: {}."
        f"  [default: {choices.default_workers()}]",
    ),
    click.option(
        "--replicas",
        callback=parameters.numbers,
        help=f"Numbers of replicas to test.  [default: {','.join(map(str, DEFAULTS.replicas))}]",
    ),
    click.option(
        "--workload",
        "workloads",
        cls=parameters.ListedOption,
        listed=lambda: choices.described(choices.of_a_run().workloads),
        callback=lambda *given: parameters.names(*given) or (),
        help="What users ask: a workload of the configuration, or of the sample application: {}."
        f"  [default: {options.DEFAULT_WORKLOAD}]",
    ),
    click.option(
        "--rounds",
        type=int,
        help="Measure exactly this many rounds. Without it, measure until precise.",
    ),
    click.option(
        "--precision",
        "precision_ratio",
        type=float,
        help="Half-width of the 95 % interval to reach for every factor, as a ratio."
        f"  [default: {DEFAULTS.precision_ratio}]",
    ),
    click.option(
        "--target",
        type=float,
        help=f'The factor that counts as "about twice".  [default: {DEFAULTS.target}]',
    ),
    click.option("--quick", is_flag=True, help="Answer within 90 s, with wider intervals."),
    click.option(
        "--latency",
        is_flag=True,
        default=None,
        help="Then measure latency in an open loop, at 50, 70 and 90 % of each capacity.",
    ),
    click.option(
        "--slo",
        metavar="p99=250ms",
        help="Find the highest rate within this objective; implies --latency.",
    ),
    click.option(
        "--generator-processes",
        type=int,
        help="Processes of the load generator.  [default: one per core of the generator]",
    ),
    click.option(
        "--generator-workers",
        callback=parameters.names,
        metavar="HOST:PORT,…",
        help="Let other machines generate the load for a URL; each listens with the generator.",
    ),
    click.option(
        "--start-limit",
        "start_limit_s",
        metavar="SECONDS",
        type=float,
        help="How long a replica may take until it answers."
        f"  [default: {DEFAULTS.start_limit_s:g}]",
    ),
    click.option(
        "--max-rps",
        type=float,
        help="Send at most so many requests a second to a URL. A load that reaches it has no"
        " verdict.",
    ),
    click.option(
        "--profile/--no-profile",
        default=None,
        help="Then look where requests wait, down to the line of code; half a minute at most."
        "  [default: yes, but not with --quick]",
    ),
    click.option("--seed", type=int, help="Repeat the order and rotation of an earlier run."),
    click.option(
        "--probe",
        is_flag=True,
        default=None,
        help="Start the data store too, and check whether replicas share their state.",
    ),
    parameters.out_option,
)
OPTIONS = (*target_options.OPTIONS, *load_options.OPTIONS, *_OF_A_RUN)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a run to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The plan, backend and results folder of a run."""

    plan: Plan
    chosen: Chosen
    results: Path


def decide(given: dict[str, Any]) -> Decision:
    """Return the run for these option values; raise for invalid ones."""
    from loadtests.environments import registry
    from loadtests.planning.run_plan import make_plan
    from loadtests.targets import checkout

    checked, project = ask(given)
    chosen = registry.choose(
        checked.backend, checkout.root(), project.tested, start_limit_s=checked.start_limit_s
    )
    project = _as_chosen(project, chosen.tested or project.tested)
    seed = seeds.draw(checked.seed)
    plan = make_plan(
        checked, chosen.machine, backend=chosen.backend.name, seed=seed, project=project
    )
    return Decision(
        plan=_with_note(plan),
        chosen=chosen,
        results=results_folder.to_write_to(checked.out),
    )


def _as_chosen(project: Project, tested: Target) -> Project:
    """Return a project with the target as its backend has it; a hook that resets is one of it."""
    hooks = project.tested.hooks
    if hooks and tested.hooks and project.reset_command == hooks.reset:
        return replace(project, tested=tested, reset_command=tested.hooks.reset)
    return replace(project, tested=tested)


def _with_note(plan: Plan) -> Plan:
    """Return the plan, with a note where somebody may expect another target."""
    from loadtests.targets import checkout

    if plan.tested.kind is TargetKind.SAMPLE and not checkout.contains(Path.cwd()):
        return replace(plan, notes=(NOT_YOURS, *plan.notes))
    return plan


def ask(given: dict[str, Any]) -> tuple[options.Options, Project]:
    """Return the options and the project of option values; an option wins over the file's key.

    Nothing is started. Raises :class:`~loadtests.model.errors.UsageError` for what cannot be used.
    """
    values = dict(given)
    here = Path.cwd()
    variables = target_options.variables(values["env"])
    file = project_file.load(values.pop("config"), here, choices.known(), given=variables)
    may_load = values.pop("may_load")
    project = projects.build(_given_project(values, here), file, os.environ)
    loaded = None
    if project.tested.url is not None:
        loaded = permission.permitted(project.tested.url, may_load)
        project = replace(project, tested=_at(project.tested, loaded))
    asked = options.Options(**_with_file(values, file))
    url = project.tested.url
    if url is not None and file is not None and file.settings.target != url != file.settings.url:
        # The file's objectives are for its own target, which is another one.
        asked = replace(asked, slo=given["slo"], latency=bool(given["latency"]))
    if url is not None and _asks_for_profiles(given, file):
        project = replace(project, tested=_unseen(project.tested))
    _check_for_url(asked, project.tested)
    checked = options.check(asked, choices.of_a_run(project))
    told = loaded and permission.check_generators(loaded, checked.generator_workers)
    if told:
        tested = project.tested
        project = replace(project, tested=replace(tested, notes=(*tested.notes, told)))
    return checked, project


def _at(tested: Target, loaded: permission.Loaded) -> Target:
    """Return a target at a URL with the address that is loaded, and a note on the others."""
    if not loaded.others:
        return replace(tested, address=loaded.address)
    note = (
        f"{loaded.host} has several addresses. The load goes to {loaded.address} alone, and not to"
        f" {', '.join(loaded.others)}."
    )
    return replace(tested, address=loaded.address, notes=(*tested.notes, note))


def _asks_for_profiles(given: dict[str, Any], file: ProjectFile | None) -> bool:
    """Return whether profiles are asked for, and not only usual."""
    asked = given.get("profile")
    return bool(asked if asked is not None else file and file.settings.profile)


def _unseen(tested: Target) -> Target:
    """Return a target at a URL with the note that its processes cannot be looked at."""
    from loadtests.report.text import profiles

    return replace(tested, notes=(*tested.notes, profiles.OF_A_URL))


def _check_for_url(asked: options.Options, tested: Target) -> None:
    """Raise :class:`UsageError` for options that are not for this kind of target."""
    if tested.url is not None:
        projects.check_workers(tested, asked.workers or (), key="--workers")
        latency = "--slo" if asked.slo is not None else "--latency" if asked.latency else None
        if latency is not None:
            raise UsageError(
                f"{latency} cannot be used with {tested.url}: latency under load is measured only"
                f" where Twofold starts the replicas. Leave it out, in the configuration, too."
            )
        return
    if asked.max_rps is not None:
        raise UsageError(
            "--max-rps is for a deployment that is running already. Name it: --url http://…, or"
            " leave --max-rps out."
        )
    if asked.generator_workers:
        raise UsageError(
            "--generator-workers is for a deployment that is running already: --url http://…. On a"
            " Swarm, label nodes instead: docker node update --label-add twofold.role=generator."
        )


def _given_project(values: dict[str, Any], here: Path) -> projects.Given:
    """Remove the values of the target and the load, and return them."""
    return projects.Given(
        target=target_options.take_target(values, here),
        health=target_options.health(values.pop("health")),
        port=target_options.port(values.pop("port")),
        env=target_options.variables(values.pop("env")),
        python=values.pop("python"),
        through=values.pop("through"),
        requests=values.pop("requests"),
        locustfile=values.pop("locustfile"),
        tags=values.pop("tags"),
        keep_waits=values.pop("keep_waits"),
        headers=load_options.headers(values.pop("headers")),
        generator_requirements=values.pop("generator_requirements"),
        reset_command=load_options.words(values.pop("reset_command")),
    )


def _with_file(values: dict[str, Any], file: ProjectFile | None) -> dict[str, Any]:
    """Return the values of options; what was not given is as in the file, or left out."""
    merged = {name: value for name, value in values.items() if value is not None}
    for name, key in KEYS.items():
        value = getattr(file.settings, key) if file else None
        if value is not None and name not in merged:
            merged[name] = tuple(value) if isinstance(value, list) else value
    merged.setdefault("profile", not merged.get("quick"))
    return merged
