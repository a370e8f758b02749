"""Sees what really serves each version, and what the proxy may keep of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.plan import served_by
from loadtests.gate.stack import GateStack, starts_of
from loadtests.measurement.serving import in_force, keep_alive
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import IdleConnections, WorkerModel
from loadtests.model.stack import Replica
from loadtests.model.tested.in_force import InForce, KeptConnections
from loadtests.model.tested.target import TargetKind
from loadtests.servers import idle_connections, interpreter, own_command
from loadtests.servers.server import KeepAlive


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What serves the versions of one comparison, and the idle connections that each allows."""

    seen: Mapping[SideName, InForce] = field(default_factory=dict)
    idle: Mapping[SideName, IdleConnections | None] = field(default_factory=dict)

    @property
    def slots(self) -> int | None:
        """How many requests a start of base serves at once; None where that is not known."""
        base = self.seen.get(SideName.BASE)
        return None if base is None else base.slots

    def processes_of(self, side: SideName) -> int | None:
        """Return the number of a start's processes, or None."""
        entry = self.seen.get(side)
        return None if entry is None else entry.processes


NOTHING_SEEN = Serving()


def see(stack: GateStack, plan: GatePlan, worker: str) -> Serving:
    """Return what serves each version, by the log and the processes of its first start.

    Raises :class:`EnvironmentFailure` where our own command starts the server, and something else
    runs. An image that starts its own server is measured as it starts, unless two variants are
    compared on it.
    """
    seen = {side: _look(stack, plan, worker, side) for side in SideName}
    as_started = {side: entry for side, entry in seen.items() if entry.as_started}
    idle = _idle(stack, plan, worker, seen)
    # That took seconds, in which the last processes of a server may have started.
    seen |= {side: _look(stack, plan, worker, side) for side in as_started}
    _check_variants(plan, worker, seen)
    return Serving(seen=seen, idle=idle)


def _check_variants(plan: GatePlan, worker: str, seen: Mapping[SideName, InForce]) -> None:
    """Raise :class:`EnvironmentFailure` where two variants are compared, and one is not in force.

    The report has the variants' names, and a version compared with itself would pass under them.
    """
    models = served_by(plan, worker)
    if len({model.name for model in models.values()}) == 1:
        return
    others = [
        f"{side} was to run {models[side].name}, and what was seen is {entry}"
        for side, entry in seen.items()
        if entry.as_started and not models[side].as_started
    ]
    if others:
        raise EnvironmentFailure(
            f"Two variants are compared, and not both are in force: {'; '.join(others)}. An image"
            " that starts its own server may not do as it is told, or may not say what it runs."
            " Name the application itself (--app shop:app), so that Twofold starts the server; or"
            " compare two versions, without --variants."
        )


def _look(stack: GateStack, plan: GatePlan, worker: str, side: SideName) -> InForce:
    model, start = served_by(plan, worker)[side], starts_of(stack, side)[0]
    if plan.tested.kind is TargetKind.IMPORT_STRING:  # our command starts it
        entry, log = in_force.look_when_up(stack, start.name, model, planned=model)
        difference = in_force.differs(model, entry)
        if difference is not None:
            raise EnvironmentFailure(
                f"{model.name} of {side} was to be {difference}. What runs was seen by"
                f" {entry.seen_by}. Is the number set elsewhere, in a variable or a configuration"
                f" file? The beginning of its log:\n{log[:2000]}"
            )
        return replace(entry, worker=worker, python=_python(stack, plan, model, start, entry))
    as_it_starts = replace(model, as_started=True)
    entry, _ = in_force.look_when_up(stack, start.name, as_it_starts, planned=model)
    entry = replace(entry, python=_python(stack, plan, model, start, entry))
    if not model.as_started and is_in_force(model, entry):
        return replace(entry, worker=worker, as_started=False, slots=model.slots)
    return replace(entry, worker=worker)


def _python(
    stack: GateStack, plan: GatePlan, model: WorkerModel, start: Replica, entry: InForce
) -> str | None:
    """Return what a start's interpreter calls itself, where it was asked or its name says it."""
    asked = entry.python or own_command.planned_python(model, plan.tested.implementation)
    if asked is None and interpreter.compiles_as_it_runs(
        model.python, stack.processes_of(start.name)
    ):
        return interpreter.PYPY
    return asked


def is_in_force(model: WorkerModel, seen: InForce) -> bool:
    """Return whether a server runs as a worker model asks, as far as it can be seen.

    The mode has to be seen; numbers that are not seen do not count.
    """
    asked = model.mode or model.name
    return (
        seen.server == model.server
        and seen.mode == asked
        and seen.processes in {None, model.processes}
        and seen.threads in {None, model.threads}
    )


def after_load(stack: GateStack, serving: Serving) -> Serving:
    """Return the same with what only a load shows: the threads of gunicorn's gthread workers."""
    seen = {
        side: in_force.after_load_of(stack, entry, starts_of(stack, side)[0].name)
        for side, entry in serving.seen.items()
    }
    return replace(serving, seen=seen)


def kept(evidence: Evidence, serving: Serving) -> Evidence:
    """Return the evidence with what serves; an entry of the same name is replaced."""
    entries = {
        side: (
            *(old for old in evidence.in_force.get(side, ()) if old.worker != entry.worker),
            entry,
        )
        for side, entry in serving.seen.items()
    }
    return replace(evidence, in_force={**evidence.in_force, **entries})


def _idle(
    stack: GateStack, plan: GatePlan, worker: str, seen: Mapping[SideName, InForce]
) -> dict[SideName, IdleConnections]:
    """Return what the proxy may keep of each version's server, where that is not the proxy's own.

    A server that is not put into force by us is asked; of others, their file says it.
    """
    models = served_by(plan, worker)
    declared: dict[SideName, KeepAlive] = {
        side: KeepAlive() if entry.as_started else keep_alive.declared(models[side])
        for side, entry in seen.items()
    }
    asked = {side: starts_of(stack, side)[0] for side, of in declared.items() if of.idle_s is None}
    found: Mapping[str, KeptConnections] = {}
    if asked:
        found = keep_alive.ask(
            stack,
            {str(side): start.address for side, start in asked.items()},
            path=plan.health,
            watch_s=keep_alive.GATE_WATCH_S,
        )
    allowed = {side: idle_connections.allowed(of, found.get(side)) for side, of in declared.items()}
    return {side: idle for side, idle in allowed.items() if idle is not None}
