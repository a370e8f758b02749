"""The idle controls of a stack of processes: their start, their budget, and which of them run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from loadtests.environments import idle_control
from loadtests.environments.processes.replicas.starter import Starter
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import Budget, WorkerModel
from loadtests.model.tested.target import Target
from loadtests.model.vocabulary import idle_control as name_of


class IdleControls:
    """The idle controls of those of the worker models that have one.

    One that cannot be started ends no run. ``addresses`` are those of all members, by their names.
    """

    def __init__(
        self, starter: Starter, workers: Sequence[WorkerModel], addresses: Mapping[str, str]
    ) -> None:
        having = idle_control.workers_of(workers, starter.tested)
        self._members = starter.members
        self._alive = {name_of(worker.name): worker.name for worker in having}
        self.notes: tuple[str, ...] = ()
        """A sentence on each control that was not started, or has ended."""
        for worker in having:
            with suppress(EnvironmentFailure, OSError):
                starter.start_control(worker, addresses[name_of(worker.name)])

    def running(self) -> tuple[str, ...]:
        """Return the names of the controls that run; take note of those that ended."""
        for name in [name for name in self._alive if not self._members.runs(name)]:
            self.notes = (*self.notes, idle_control.ended(self._alive.pop(name)))
        return tuple(self._alive)

    def hold(self, budget: Budget) -> None:
        """Limit the controls to the budget of a replica."""
        for name in self.running():
            with suppress(EnvironmentFailure, OSError):  # it has just ended
                self._members.hold((name,), budget)


def control_names(workers: Sequence[WorkerModel], tested: Target) -> tuple[str, ...]:
    """Return the names of the idle controls of a target's worker models."""
    return tuple(name_of(worker.name) for worker in idle_control.workers_of(workers, tested))
