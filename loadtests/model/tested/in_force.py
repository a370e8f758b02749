"""What serves a replica, as it was seen, and what the proxy may assume of it. PURE."""

from __future__ import annotations

from dataclasses import dataclass, replace

from loadtests.model.plan import Plan, WorkerModel

UNDER_LOAD = "its processes under load"
"""Where the number of threads was seen that a server starts only as it needs them."""


@dataclass(frozen=True, kw_only=True)
class ServerProcess:
    """One process of a replica: its threads, and its command line with blanks between words.

    ``implementation`` is that of its Python, such as ``CPython``; None where nobody asked it.
    """

    pid: int
    parent: int
    threads: int
    command: str
    implementation: str | None = None


@dataclass(frozen=True, kw_only=True)
class KeptConnections:
    """What a server did with connections that were opened at the start and left idle.

    ``answered`` of the ``opened`` connections got an answer while the others stayed open.
    ``closed_after_s`` is when the server closed the first idle one; None if none was closed in
    ``watched_s`` seconds. ``announced`` means that its answer says so (``Connection: close``).
    """

    opened: int
    answered: int
    closed_after_s: float | None
    watched_s: float
    announced: bool = False


@dataclass(frozen=True, kw_only=True)
class InForce:
    """The server of a worker model as it was seen at the start of a run.

    ``worker`` is the worker model. What could not be seen is None. ``slots`` is how many requests
    one replica serves at once. ``python`` is what its interpreter calls itself, such as
    ``CPython``. ``seen_by`` says where the server was read. ``start_s`` is the time from the order
    for one more replica, without a CPU limit, to its first answer. ``periods_spread`` says whether
    the CPU periods of its replicas begin one after another; None where that is not known.
    """

    worker: str
    server: str | None
    version: str | None = None
    mode: str | None = None
    processes: int | None = None
    threads: int | None = None
    slots: int | None = None
    python: str | None = None
    seen_by: str = ""
    start_s: float | None = None
    kept: KeptConnections | None = None
    as_started: bool = False
    periods_spread: bool | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return a few words, such as ``gunicorn sync, 2 workers``; others have processes."""
        words = " ".join(filter(None, (self.server or "an unknown server", self.mode)))
        parts = [words]
        if self.processes is not None:
            is_gunicorn = self.server == "gunicorn"
            noun, plural = ("worker", "s") if is_gunicorn else ("process", "es")
            parts.append(_count(self.processes, noun, plural))
        if self.threads is not None and self.threads > 1:
            each = " in each" if (self.processes or 1) > 1 else ""
            parts.append(f"{_count(self.threads, 'thread')}{each}")
        return ", ".join(parts)


def applied(plan: Plan, seen: tuple[InForce, ...]) -> Plan:
    """Return a plan with what was seen after the start.

    Worker models that the target started itself have the slots seen; the budget says whether the
    CPU periods of all replicas are spread.
    """
    by_worker = {entry.worker: entry for entry in seen}
    spread = [entry.periods_spread for entry in seen if entry.periods_spread is not None]
    return replace(
        plan,
        workers=tuple(_as_seen(model, by_worker.get(model.name)) for model in plan.workers),
        budget=replace(plan.budget, periods_spread=all(spread)) if spread else plan.budget,
    )


def _as_seen(model: WorkerModel, seen: InForce | None) -> WorkerModel:
    if seen is None or not model.as_started:
        return model
    return replace(
        model,
        server=seen.server or model.server,
        mode=seen.mode or model.mode,
        processes=seen.processes or model.processes,
        threads=seen.threads or model.threads,
        slots=seen.slots,
    )


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{plural if number > 1 else ''}"
