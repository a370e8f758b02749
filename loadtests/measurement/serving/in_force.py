"""Sees which server and which mode really serve each worker model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from loadtests.environments.protocol import HasFront, Stack
from loadtests.measurement.serving import keep_alive
from loadtests.model.errors import AS_IT_STARTS, EnvironmentFailure, NotInForce
from loadtests.model.plan import Plan, WorkerModel
from loadtests.model.tested.in_force import UNDER_LOAD, InForce, KeptConnections, ServerProcess
from loadtests.model.tested.target import STARTS_ITSELF
from loadtests.servers import interpreter, own_command, registry
from loadtests.servers.gunicorn import seen as gunicorn_seen
from loadtests.servers.server import Seen, Server, troubles_in
from loadtests.servers.words import command_words, number, reloader_notes, without_colours
from loadtests.tools import proc

NEXT_PROCESS_S = 5.0
"""How long a server may take from one process to the next. gunicorn pauses for up to 0.1 s after
each, and all of them start in the replica's CPU budget."""

BY_NUMBERS = {"processes", "threads"}
"""Modes that differ only by their numbers, which are compared themselves."""

NUMBER_OF_PROCESSES = ("--workers", "--processes", "-w", "-p")
"""Options by which servers are told how many worker processes they start."""


def see(
    stack: Stack,
    plan: Plan,
    *,
    kept: Mapping[str, KeptConnections],
) -> tuple[InForce, ...]:
    """Return what serves each worker model, by the first replica's log and processes.

    ``kept`` is recorded with it. Raises :class:`EnvironmentFailure` where something else runs than
    was put into force; :class:`NotInForce` where an image of the user's decides that itself.
    """
    if stack.status_url is None and not isinstance(stack, HasFront):
        return ()  # a deployment of somebody else's, which cannot be looked into
    entries = []
    for worker in plan.workers:
        member = f"{worker.name}-1"
        entry, log = look_when_up(stack, member, worker, planned=worker)
        difference = differs(worker, entry)
        if difference is not None and plan.tested.kind in STARTS_ITSELF:
            raise NotInForce(
                f"{worker.name} was to be {difference}, which the image sets. {AS_IT_STARTS}",
                workers=(worker.name,),
            )
        if difference is not None:
            raise EnvironmentFailure(
                f"{worker.name} was to be {difference}. What runs was seen by {entry.seen_by}. Is"
                " the number set elsewhere, in an option, a variable or a configuration file? The"
                f" beginning of its log:\n{log[:2000]}"
            )
        if entry.python is None:
            python = own_command.planned_python(worker, plan.tested.implementation)
            entry = replace(entry, python=python)
        connections = kept.get(worker.name)
        few = keep_alive.note(worker, connections) if connections is not None else None
        entries.append(
            replace(
                entry,
                kept=connections,
                notes=(*entry.notes, *([few] if few is not None else [])),
            )
        )
    return tuple(entries)


def look_when_up(
    stack: Stack, member: str, worker: WorkerModel, *, planned: WorkerModel
) -> tuple[InForce, str]:
    """Return what serves a replica, and its log, once no more processes of it start.

    A server may answer before its last process has started. While all that differs from what was
    ``planned`` is that some are missing, it is looked at again.
    """
    most, deadline_s = 0, 0.0
    while True:
        log, processes = stack.first_log(member), stack.processes_of(member)
        entry = look(worker, log, processes)
        if not _is_starting(planned, entry):
            return entry, log
        if (entry.processes or 0) > most:
            most, deadline_s = entry.processes or 0, proc.monotonic_s() + NEXT_PROCESS_S
        elif proc.monotonic_s() > deadline_s:
            return entry, log
        proc.sleep(proc.POLL_S)


def _is_starting(planned: WorkerModel, seen: InForce) -> bool:
    """Return whether a server is what was planned, but for processes that are missing."""
    return (
        not planned.as_started
        and planned.server == seen.server
        and 0 < (seen.processes or 0) < planned.processes
        and differs(planned, replace(seen, processes=None)) is None
    )


def look(worker: WorkerModel, log: str, processes: Sequence[ServerProcess]) -> InForce:
    """Return what a log and processes say of one worker model's server."""
    log = without_colours(log)
    server = _server(worker, log, processes)
    if server is None:
        return InForce(
            worker=worker.name,
            server=None,
            processes=len(processes) or None,
            python=_implementation(processes),
            seen_by="its processes; no known server is among them",
            as_started=True,
            notes=reloader_notes(processes),
        )
    seen = server.look(log, processes)
    return InForce(
        worker=worker.name,
        server=server.name,
        version=seen.version,
        mode=seen.mode,
        processes=seen.processes,
        threads=_threads(worker, seen),
        slots=_slots(worker, seen),
        python=_implementation(processes),
        seen_by=_seen_by(server, log, processes),
        as_started=worker.as_started,
        notes=(
            *seen.notes,
            *reloader_notes(processes),
            *_by_cores(worker, seen, processes, os.cpu_count() or 1),
            *_by_count(worker, seen),
        ),
    )


def _server(worker: WorkerModel, log: str, processes: Sequence[ServerProcess]) -> Server | None:
    """Return the server that runs; a command of the user's own may start one that is known."""
    if worker.as_started:
        return registry.recognised(log, processes)
    planned = registry.of(worker)
    if planned is own_command.SERVER:
        return registry.recognised(log, processes) or planned
    return planned


def _implementation(processes: Sequence[ServerProcess]) -> str | None:
    """Return what the interpreter of a replica's processes calls itself, where it was asked."""
    return next((process.implementation for process in processes if process.implementation), None)


def _by_cores(
    worker: WorkerModel, seen: Seen, processes: Sequence[ServerProcess], cores: int
) -> Iterator[str]:
    """Tell of a number of processes that the target's machine may have decided.

    A number in the command line is the user's own.
    """
    is_named = number(command_words(processes), *NUMBER_OF_PROCESSES) == seen.processes
    if worker.as_started and seen.processes in {2 * cores + 1, cores} - {1, 2} and not is_named:
        yield (
            f"{seen.processes} worker processes are as many as cpu_count() gives on this machine,"
            " whatever the CPU budget is. If that decides, another machine would start another"
            " number: set it."
        )


def _threads(worker: WorkerModel, seen: Seen) -> int | None:
    """Return the threads that were seen; None where more were counted than were planned.

    Then the application, or a library of it, may have started the others.
    """
    if seen.counted and not worker.as_started and (seen.threads or 0) > worker.threads:
        return None
    return seen.threads


def _by_count(worker: WorkerModel, seen: Seen) -> Iterator[str]:
    """Tell of threads that only their number is known of."""
    if worker.as_started and seen.counted:
        yield _counted(seen.threads or 0)


def _counted(threads: int) -> str:
    """Return a sentence on threads that were counted, and with them those of the application."""
    return (
        f"{threads} threads were counted in a process, since no --threads is on its command line."
        " Threads that the application itself starts are among them; if it does, name --threads"
        " there."
    )


def _slots(worker: WorkerModel, seen: Seen) -> int | None:
    if not worker.as_started:
        return worker.slots
    if seen.unlimited or seen.processes is None or seen.threads is None:
        return None
    return seen.processes * seen.threads


def _seen_by(server: Server, log: str, processes: Sequence[ServerProcess]) -> str:
    spoke = server.says is not None and server.says.search(log) is not None
    ways = [*(["its log"] if spoke else []), *(["its processes"] if processes else [])]
    return " and ".join(ways) or "nothing"


def differs(worker: WorkerModel, seen: InForce) -> str | None:
    """Return what was planned and what runs instead, in words; None where they agree.

    Only what was seen is compared. Of a server with a command of the user's own, nothing is.
    """
    known = worker.server in registry.SERVERS and worker.server != own_command.SERVER.name
    if worker.as_started or not known:
        return None
    mode = worker.mode or (worker.name if worker.server == registry.DEFAULT else None)
    named = {mode, seen.mode}
    if named <= BY_NUMBERS or named & {worker.server}:
        mode = None
    pairs = (
        ("", mode, seen.mode),
        ("process(es)", worker.processes, seen.processes),
        ("thread(s) in each", worker.threads, seen.threads),
    )
    wrong = [
        f"{worker.server} with {planned} {what}".strip() + f", and {found} runs"
        for what, planned, found in pairs
        if planned is not None and found is not None and planned != found
    ]
    return "; ".join(wrong) or None


def after_load(stack: Stack, entries: Sequence[InForce]) -> tuple[InForce, ...]:
    """Return the same with what only a load shows: the threads of gunicorn's gthread workers."""
    return tuple(after_load_of(stack, entry, f"{entry.worker}-1") for entry in entries)


def after_load_of(stack: Stack, entry: InForce, member: str) -> InForce:
    """Return the same of one worker model, by the processes of one of its replicas."""
    if not (entry.as_started and entry.mode == "gthread" and entry.threads is None):
        return entry
    threads = gunicorn_seen.threads_after_load(stack.processes_of(member))
    if threads is None:
        return entry
    return replace(
        entry,
        threads=threads,
        slots=threads * entry.processes if entry.processes else None,
        seen_by=UNDER_LOAD,
        notes=(*entry.notes, _counted(threads)),
    )


def with_troubles(stack: Stack, entries: Sequence[InForce]) -> tuple[InForce, ...]:
    """Return the same with what the replicas' logs tell of time-outs and kills."""
    return tuple(_with_troubles(stack, entry) for entry in entries)


def _with_troubles(stack: Stack, entry: InForce) -> InForce:
    first = f"{entry.worker}-1"
    notes = list(interpreter.notes(f"{stack.first_log(first)}\n{stack.log_of(first)}"))
    server = registry.SERVERS.get(entry.server or "")
    if server is not None:
        notes += [
            f"{replica.name}: {sentence}"
            for replica in stack.replicas
            if replica.worker == entry.worker
            for sentence in troubles_in(server, stack.log_lines(replica.name))
        ]
    return replace(entry, notes=(*entry.notes, *notes))
