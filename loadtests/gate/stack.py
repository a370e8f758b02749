"""Brings up a gate's stack: starts of base and head, two generators per lane, and a proxy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from loadtests.environments.compose.files import joined
from loadtests.environments.compose.images import ServiceImages
from loadtests.environments.compose.lanes import LANES, LaneStack
from loadtests.environments.compose.projects import Project, opened, opened_engine, project_name
from loadtests.environments.protocol import Say, Stack
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.plan import served_by
from loadtests.gate.tested import stack as own_stack
from loadtests.gate.tested.stack import Stackable
from loadtests.gate.versions import Sides
from loadtests.model.plan import WorkerModel
from loadtests.model.stack import Replica
from loadtests.tools import files
from loadtests.tools.proc import Child

VARIABLES = "gate.variables.json"
"""The Compose file with the names of the versions' variables."""


class GateStack(Stack, Protocol):
    """A stack whose replicas are the starts of both versions."""

    def start_metronome(self) -> Child:
        """Start the CPU speed probe on the replicas' cores."""

    def grow(self, count: int) -> None:
        """Bring up to at least ``count`` starts of each version, equally many in each lane.

        Running starts are not touched.
        """

    def hold(self) -> None:
        """Wait until the new starts are idle, then apply their CPU budgets.

        Each start is bound to its lane's core. The starts of one number, one of each version, use
        it in turn as by :meth:`take_turns`.
        """

    def allow(self, starts: Sequence[str], cpus: float) -> None:
        """Give running starts, by their names, another CPU budget, in cores."""

    def take_turns(self, sets: Sequence[Sequence[Replica]]) -> None:
        """Let the CPU periods of each set's starts begin in turn, where this user may set them."""

    def ended(self) -> str | None:
        """Return an error message if a start has exited by itself, or None."""

    def needed_by(self, version: str) -> tuple[str, ...]:
        """Return the members that a version needs beside its starts, such as its store."""


def starts_of(stack: GateStack, side: SideName) -> tuple[Replica, ...]:
    """Return a version's starts in order: the first of each lane, then the second of each."""
    return tuple(start for start in stack.replicas if start.worker == side)


@contextmanager
def open_stack(
    root: Path,
    plan: GatePlan,
    worker: str,
    sides: Sides,
    services: ServiceImages,
    folder: Path,
    say: Say,
) -> Iterator[GateStack]:
    """Provide a stack of one worker model without starts; it is taken down at the end."""
    models = served_by(plan, worker)
    settings = _settings(plan, models[SideName.BASE].name, sides, services, folder)
    if sides.prepared:
        parts = Stackable(
            root=root,
            plan=plan,
            folder=folder,
            prepared=sides.prepared,
            models=models,
            variables=settings,
        )
        with own_stack.open_stack(parts, say) as stack:
            yield stack
        return
    with opened_engine(say) as (engine, compose):
        variables, values = _passed_on(sides, models, folder)
        project = Project(
            engine=engine,
            compose=compose,
            name=project_name(folder.name),
            files=(root / "compose/gate.yaml", variables),
            variables=settings | values,
        )
        with opened(project, folder, say) as project:
            yield LaneStack(
                project,
                root,
                folder,
                ports={SideName.BASE: sides.base.port, SideName.HEAD: sides.head.port},
                lane_cores=plan.cores,
                service_cores=plan.service_cores,
                replica_cpus=plan.replica_cpus,
            )


def _settings(
    plan: GatePlan, worker: str, sides: Sides, services: ServiceImages, folder: Path
) -> dict[str, str]:
    return {
        "TWOFOLD_RUN": folder.name,
        "TWOFOLD_WORKER_MODEL": worker,
        "TWOFOLD_PROXY_IMAGE": services.proxy,
        "TWOFOLD_GENERATOR_IMAGE": services.generator,
        "TWOFOLD_GATE_BASE": sides.base.digest,
        "TWOFOLD_GATE_HEAD": sides.head.digest,
        "TWOFOLD_SERVICES_CPUSET": joined(plan.service_cores),
        "TWOFOLD_SECRET_KEY": f"only for the load test {folder.name}",
    }


def _passed_on(
    sides: Sides, models: Mapping[SideName, WorkerModel], folder: Path
) -> tuple[Path, dict[str, str]]:
    """Return a Compose file that passes each version its variables, and the values for Compose.

    The file names the variables only. Compose takes their values from its own environment. Where
    two variants are compared, each version has its own worker model.
    """
    differ = models[SideName.BASE].name != models[SideName.HEAD].name
    services: dict[str, dict[str, dict[str, str]]] = {}
    values: dict[str, str] = {}
    for side in SideName:
        variables = sides.variables.get(side, {})
        sources = {name: f"TWOFOLD_GATE_{side.upper()}_{name}" for name in variables}
        values |= {sources[name]: value for name, value in variables.items()}
        environment = {name: f"${{{source}}}" for name, source in sources.items()}
        if differ:
            environment["WORKER_MODEL"] = models[side].name
        services |= {f"{side}-{lane}": {"environment": environment} for lane in LANES}
    path = folder / VARIABLES
    return files.write(path, json.dumps({"services": services}, indent=1)), values
