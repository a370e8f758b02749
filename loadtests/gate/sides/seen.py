"""What the first start of each version runs, as far as it makes two machines two systems."""

from __future__ import annotations

from collections.abc import Iterator

from loadtests.gate.model import SideName
from loadtests.gate.stack import GateStack, starts_of
from loadtests.measurement.serving import in_force
from loadtests.model.plan import WorkerModel
from loadtests.servers.registry import worker_models
from loadtests.targets import plain


def notes(stack: GateStack, worker: str) -> Iterator[str]:
    """Yield what is to be said of the servers that run, by the version.

    What was asked for by the worker model itself is not said.
    """
    asked: WorkerModel | None = worker_models().get(worker)
    for side in SideName:
        start = starts_of(stack, side)[0]
        as_started = plain.as_started()[plain.AS_STARTED]
        entry = in_force.look(
            as_started, stack.first_log(start.name), stack.processes_of(start.name)
        )
        if asked is None or entry.processes != asked.processes:
            yield from (f"{side}: {note}" for note in entry.notes)
