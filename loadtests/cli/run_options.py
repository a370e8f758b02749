"""The options that ``run`` and ``plan`` share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from loadtests.cli import choices, parameters, results_folder, seeds
from loadtests.config import options
from loadtests.environments.protocol import Chosen
from loadtests.model.plan import Plan
from loadtests.model.tested.target import TargetKind

DEFAULTS = options.Options()

OPTIONS = (
    click.argument("given_target", metavar="[TARGET]", required=False),
    click.option(
        "--backend",
        cls=parameters.ListedOption,
        listed=lambda: choices.described(choices.of_a_run().backends),
        default=DEFAULTS.backend,
        show_default=True,
        help="What the servers run in: {}.",
    ),
    click.option(
        "--workers",
        cls=parameters.ListedOption,
        listed=lambda: ", ".join(choices.of_a_run().workers),
        callback=parameters.names,
        help=f"Worker models to test: {{}}.  [default: {choices.default_workers()}]",
    ),
    click.option(
        "--replicas",
        default=",".join(map(str, DEFAULTS.replicas)),
        show_default=True,
        callback=parameters.numbers,
        help="Numbers of replicas to test.",
    ),
    click.option(
        "--workload",
        "workloads",
        cls=parameters.ListedOption,
        listed=lambda: choices.described(choices.of_a_run().workloads),
        callback=lambda *given: parameters.names(*given) or (),
        help=f"What a request does: {{}}.  [default: {options.DEFAULT_WORKLOAD}]",
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
        default=DEFAULTS.precision_ratio,
        show_default=True,
        help="Half-width of the 95 % interval to reach for every factor, as a ratio.",
    ),
    click.option(
        "--target",
        type=float,
        default=DEFAULTS.target,
        show_default=True,
        help='The factor that counts as "about twice".',
    ),
    click.option("--quick", is_flag=True, help="Answer within 90 s, with wider intervals."),
    click.option(
        "--latency",
        is_flag=True,
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
    click.option("--seed", type=int, help="Repeat the order and rotation of an earlier run."),
    click.option(
        "--probe",
        is_flag=True,
        help="Start the data store too, and check whether replicas share their state.",
    ),
    parameters.out_option,
)


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
    from loadtests.targets import checkout, plain, sample
    from loadtests.targets import registry as targets

    tested = targets.recognise(given.pop("given_target"), Path.cwd())
    project = sample.project() if tested.kind is TargetKind.SAMPLE else plain.project(tested)
    checked = options.check(options.Options(**given), choices.of_a_run(project))
    chosen = registry.choose(checked.backend, checkout.root(), tested)
    seed = seeds.draw(checked.seed)
    return Decision(
        plan=make_plan(
            checked, chosen.machine, backend=chosen.backend.name, seed=seed, project=project
        ),
        chosen=chosen,
        results=results_folder.of(checked.out),
    )
