"""Brings up a gate's stack: starts of base and head, two generators per lane, and a proxy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from loadtests.environments.compose.files import joined
from loadtests.environments.compose.images import ServiceImages
from loadtests.environments.compose.lanes import LaneStack
from loadtests.environments.compose.projects import Project, opened, opened_engine, project_name
from loadtests.environments.protocol import Say, Stack
from loadtests.gate.model import GatePlan, Side, SideName
from loadtests.gate.versions import Sides
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.stack import Replica
from loadtests.tools.proc import Child


class GateStack(Stack, Protocol):
    """A stack whose replicas are the starts of both versions."""

    def start_metronome(self) -> Child:
        """Start the CPU speed probe on the replicas' cores."""

    def grow(self, count: int) -> None:
        """Bring up to at least ``count`` starts of each version, equally many in each lane.

        Running starts are not touched.
        """

    def hold(self) -> None:
        """Wait until the new starts are idle, then apply their CPU budgets."""

    def pin(self, start: Replica, cores: Sequence[int]) -> None:
        """Pin a start to cores."""

    def ended(self) -> str | None:
        """Return an error message if a start has exited by itself, or None."""


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
    with opened_engine(say) as (engine, compose):
        project = Project(
            engine=engine,
            compose=compose,
            name=project_name(folder.name),
            files=(root / "compose/gate.yaml",),
            variables=_variables(plan, worker, sides, services, folder),
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


def _variables(
    plan: GatePlan, worker: str, sides: Sides, services: ServiceImages, folder: Path
) -> dict[str, str]:
    return {
        "TWOFOLD_RUN": folder.name,
        "TWOFOLD_WORKER_MODEL": worker,
        "TWOFOLD_PROXY_IMAGE": services.proxy,
        "TWOFOLD_GENERATOR_IMAGE": services.generator,
        "TWOFOLD_GATE_BASE": sides.base.digest,
        "TWOFOLD_GATE_HEAD": sides.head.digest,
        "TWOFOLD_GATE_BASE_ENV": str(_environment_file(sides.base, folder)),
        "TWOFOLD_GATE_HEAD_ENV": str(_environment_file(sides.head, folder)),
        "TWOFOLD_SERVICES_CPUSET": joined(plan.service_cores),
        "TWOFOLD_SECRET_KEY": f"only for the load test {folder.name}",
    }


def _environment_file(side: Side, folder: Path) -> Path:
    path = (folder / f"{side.name}.env").resolve()
    try:
        path.write_text("".join(f"{name}={value}\n" for name, value in side.environment.items()))
    except OSError as error:
        raise EnvironmentFailure(
            f"{path} cannot be written ({error.strerror}). Free some space, or name another folder:"
            " --out DIR."
        ) from error
    return path
