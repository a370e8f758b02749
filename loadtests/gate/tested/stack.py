"""Brings up the starts of a user's own target, with what each version needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadtests.environments.compose.lanes import LANES, LaneStack
from loadtests.environments.compose.projects import (
    Project,
    opened,
    opened_engine,
    project_name,
)
from loadtests.environments.compose.tested.memory import beside_share, memory_share
from loadtests.environments.compose.tested.start.listening import Wanted
from loadtests.environments.compose.tested.start.starting import Starting
from loadtests.environments.compose.tested.subject import Part
from loadtests.environments.protocol import Say
from loadtests.environments.wait_idle import busy_after
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.tested.document import FILE, document, service_of
from loadtests.gate.tested.prepared import Prepared
from loadtests.model.plan import WorkerModel
from loadtests.tools import docker, files

QUIET_LIMIT_S = 20.0
"""Seconds in which new starts have to become idle; others are measured as they are, and named."""

LEAST_MEMORY_BYTES = 256 << 20


@dataclass(frozen=True, kw_only=True)
class Stackable:
    """What the stack of one comparison is made of; ``variables`` are Compose's own."""

    root: Path
    plan: GatePlan
    folder: Path
    prepared: Mapping[SideName, Prepared]
    models: Mapping[SideName, WorkerModel]
    variables: Mapping[str, str]


class VersionStack(LaneStack):
    """A stack of starts whose ports are found once they listen."""

    _asks_python = False  # it has the user's image

    def __init__(
        self, *given: Any, startings: Mapping[SideName, Starting], say: Say, **settings: Any
    ) -> None:
        super().__init__(*given, **settings, ports=dict.fromkeys(startings, 0))
        self._startings = startings
        self._say = say
        self._is_up = False

    def grow(self, count: int) -> None:
        """Bring up to at least ``count`` starts of each version, after what they need.

        Where starts share something, one of each version comes first: only one may migrate a store.
        """
        if self._is_up:
            super().grow(count)
            return
        startings = self._startings.values()
        for starting in startings:
            starting.start_needs()
        sharing = [starting for starting in startings if starting.subject.shares_state]
        for starting in sharing:
            starting.start_first()
        for starting in sharing:
            starting.wait_for_first()
        super().grow(count)
        self._ports = {side: self._port_of(side) for side in self._startings}
        super().grow(count)
        self._is_up = True

    def _port_of(self, side: SideName) -> int:
        starting = self._startings[side]
        port, *_ = starting.find_ports().values()
        for note in starting.notes:
            self._say(f"{side}: {note}")
        return port

    def needed_by(self, version: str) -> tuple[str, ...]:
        """Return the members that a version needs beside its starts, such as its store."""
        needs = self._startings[SideName(version)].subject.needs
        return tuple(part.service for part in needs if part.service in self._containers)

    def _wait_idle(self, starts: Sequence[str]) -> None:
        busy = busy_after(starts, self.read, limit_s=QUIET_LIMIT_S)
        if busy:
            self._say(f"Use CPU without any request: {', '.join(busy)}.")


@contextmanager
def open_stack(parts: Stackable, say: Say) -> Iterator[VersionStack]:
    """Provide a stack without starts; it is taken down at the end.

    Starts without a limit of their own get equal parts of half the memory, as many as the first
    look needs. No service that they need gets more than the other half.
    """
    plan, folder = parts.plan, parts.folder
    with opened_engine(say) as (engine, compose):
        memory = memory_share(engine, 2 * plan.looks[0])
        text, values = document(
            parts.root,
            parts.prepared,
            parts.models,
            lanes=len(plan.cores),
            memory_bytes=max(LEAST_MEMORY_BYTES, memory),
            beside_bytes=beside_share(engine),
        )
        own = files.write(folder / FILE, json.dumps(text, indent=1), mode=files.ONLY_OWNER)
        project = Project(
            engine=engine,
            compose=compose,
            name=project_name(folder.name),
            files=(own,),
            variables={**parts.variables, **values},
            images={
                f"{side}-{part.name}": part.image
                for side in SideName
                for part in parts.prepared[side].subject.parts
            },
        )
        with opened(project, folder, say) as project:
            yield VersionStack(
                project,
                parts.root,
                folder,
                startings={side: _starting(parts, side, project, say) for side in SideName},
                say=say,
                lane_cores=plan.cores,
                service_cores=plan.service_cores,
                replica_cpus=plan.replica_cpus,
            )


def _of_side(side: SideName, part: Part, needs: Sequence[Part]) -> Part:
    """Return a needed part by the name of its side, with the same names of those that it needs."""
    names = {each.service: service_of(side, each) for each in needs}
    wanted = part.definition.get("depends_on", {})
    definition = {
        **part.definition,
        "depends_on": {names.get(name, name): how for name, how in wanted.items()},
    }
    return replace(part, service=service_of(side, part), definition=definition)


def _starting(parts: Stackable, side: SideName, project: Project, say: Say) -> Starting:
    prepared, plan = parts.prepared[side], parts.plan
    subject = prepared.subject
    needs = tuple(_of_side(side, part, subject.needs) for part in subject.needs)
    return Starting(
        project=project,
        subject=replace(subject, needs=needs),
        workers=[f"{side}-{lane}" for lane in LANES[: len(plan.cores)]],
        replicas=plan.looks[0],
        wanted=Wanted(
            asked=plan.tested.port,
            declared=tuple(sorted({*prepared.image.ports, *subject.measured.ports})),
            path=plan.health,
            limit_s=plan.start_limit_s,
        ),
        run=parts.folder.name,
        say=say,
        local=docker.is_local(),
    )
