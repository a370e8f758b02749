"""Options that ``gate`` and ``gate calibrate`` share, and their checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadtests.cli import parameters, results_folder, seeds
from loadtests.gate import options

if TYPE_CHECKING:
    from loadtests.gate.pipeline import GateRequest

head_option = click.option(
    "--head", metavar="VERSION", help="Image, git ref or path.  [default: working tree]"
)

workers_option = click.option(
    "--workers",
    cls=parameters.ListedOption,
    listed=lambda: ", ".join(options.known_workers()),
    default=options.GateOptions().workers[0],
    show_default=True,
    help="Worker models to compare: {}.",
)

workload_option = click.option(
    "--workload",
    cls=parameters.ListedOption,
    listed=lambda: ", ".join(options.workloads()),
    default=options.GateOptions().workload,
    show_default=True,
    help="What a request does ({}), or a path such as /search?q=a.",
)


def request(given: dict[str, Any]) -> GateRequest:
    """Return the gate for these option values; raise for invalid ones."""
    from loadtests.gate import pipeline
    from loadtests.targets import checkout

    results = results_folder.of(given["out"])
    append = pipeline.find(results, given["append"]) if given["append"] else None
    return pipeline.GateRequest(
        options=options.check(
            options.GateOptions(
                base=given["base"],
                head=given["head"],
                workers=tuple(word for word in given["workers"].split(",") if word),
                workload=given["workload"],
                margin=given["margin"],
                max_minutes=given["max_minutes"],
                scaling=given["scaling"],
                base_environment=options.environment(given["base_env"], "--base-env"),
                head_environment=options.environment(given["head_env"], "--head-env"),
            )
        ),
        seed=seeds.draw(given["seed"]),
        root=checkout.root(),
        here=Path.cwd(),
        results=results,
        command=results_folder.command_line(),
        append=append,
        keep_samples=given["samples"],
        wait=given["wait"],
    )
