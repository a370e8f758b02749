"""The stack of a gate: many starts of base and head, two generators for each lane, and a proxy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from loadtests.environments.compose import images
from loadtests.environments.compose.files import joined
from loadtests.environments.compose.lanes import LaneStack
from loadtests.environments.compose.projects import Project, opened, opened_engine, project_name
from loadtests.environments.protocol import Say, Stack
from loadtests.gate.model import GatePlan, Side, SideName
from loadtests.gate.versions import Sides
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.stack import Replica


class GateStack(Stack, Protocol):
    """What a gate measures on: a stack whose replicas are the starts of both sides."""

    def grow(self, count: int) -> None:
        """Have ``count`` starts of each side or a few more, as many in each lane.

        Those that there are stay as they are.
        """

    def hold(self) -> None:
        """Hold the starts that answer to their budget, once they are quiet."""

    def pin(self, start: Replica, cores: Sequence[int]) -> None:
        """Bind a start to cores."""

    def ended(self) -> str | None:
        """Give the message of a start that has ended by itself, if there is one."""


def starts_of(stack: GateStack, side: SideName) -> tuple[Replica, ...]:
    """Give a side's starts, in the order in which they came, the lanes in turn."""
    return tuple(start for start in stack.replicas if start.worker == side)


@contextmanager
def open_stack(
    root: Path,
    plan: GatePlan,
    worker: str,
    sides: Sides,
    folder: Path,
    say: Say,
) -> Iterator[GateStack]:
    """Have a stack of one worker model, with no start yet; it is taken down at the end."""
    with opened_engine(say) as (engine, compose):
        project = Project(
            engine=engine,
            compose=compose,
            name=project_name(folder.name),
            files=(root / "compose/gate.yaml",),
            variables=_variables(plan, worker, sides, folder),
        )
        with opened(project, folder, say):
            yield LaneStack(
                project,
                root,
                folder,
                ports={SideName.BASE: sides.base.port, SideName.HEAD: sides.head.port},
                lane_cores=plan.cores,
                service_cores=plan.service_cores,
                replica_cpus=plan.replica_cpus,
            )


def _variables(plan: GatePlan, worker: str, sides: Sides, folder: Path) -> dict[str, str]:
    return {
        "TWOFOLD_RUN": folder.name,
        "TWOFOLD_WORKER_MODEL": worker,
        "TWOFOLD_PROXY_IMAGE": images.PROXY,
        "TWOFOLD_GENERATOR_IMAGE": images.GENERATOR,
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
            f"{path} cannot be written ({error.strerror}). Make room, or name another folder:"
            " --out DIR."
        ) from error
    return path
