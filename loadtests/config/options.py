"""What a person asked for, checked, before it meets a machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from loadtests.config import slo as wanted
from loadtests.model.errors import UsageError
from loadtests.model.plan import WorkerModel, Workload

WORKERS: dict[str, WorkerModel] = {
    # Four slots each for threads and processes, so that the two are compared on equal terms; few
    # enough that `io` fills the slots before the smallest budget's CPU (4 ÷ 50 ms × 0.6 ms ≈ 5 %).
    "gthread": WorkerModel(name="gthread", processes=1, threads=4, slots=4),
    "sync": WorkerModel(name="sync", processes=4, threads=1, slots=4),
    "gevent": WorkerModel(name="gevent", processes=1, threads=1, slots=None),
}

WORKLOADS: dict[str, Workload] = {
    "cpu": Workload(name="cpu", path="/cpu"),
    "io": Workload(name="io", path="/io"),
    "db": Workload(name="db", path="/db", needs_store=True),
    # Its path is only what stands for it in a sentence; see generator/locustfiles/mixed.py.
    "mixed": Workload(name="mixed", path="/mixed", scenario="mixed", needs_store=True),
}

BACKENDS = ("auto", "compose", "processes")

DEFAULT_WORKLOAD = "cpu"
DEFAULT_PRECISION_RATIO = 0.04
DEFAULT_TARGET = 1.8
"""What "about twice" means: nine tenths of perfect."""

ROUNDS_MIN = 4
ROUNDS_MAX = 12

MAX_REPLICAS = 64
"""More on one machine is a typing error sooner than a plan."""

MAX_GENERATOR_PROCESSES = 64
"""As many as the generator's own program takes."""

MAX_ROUNDS = 500
"""More would take a day even with one cell; a typing error sooner than a plan."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``twofold run`` was asked for.

    ``workloads`` empty means "the default, or what this machine can test"; ``rounds`` None means
    "until the answer is precise enough"; ``seed`` None means "choose one and say which". ``probe``
    asks for a store whatever the workloads, so that state kept in it can be looked for.
    """

    backend: str = "auto"
    workers: tuple[str, ...] = tuple(WORKERS)
    replicas: tuple[int, ...] = (1, 2, 4)
    workloads: tuple[str, ...] = ()
    rounds: int | None = None
    precision_ratio: float = DEFAULT_PRECISION_RATIO
    target: float = DEFAULT_TARGET
    quick: bool = False
    seed: int | None = None
    out: Path | None = None
    probe: bool = False
    latency: bool = False
    slo: str | None = None
    """A latency objective as it is written, ``p99=250ms``; it implies ``latency``."""
    generator_processes: int | None = None
    """Processes that make the load; None means one for each core that the generator has."""


def check(options: Options) -> Options:
    """Give the options back, or raise :class:`UsageError` naming value and way out."""
    _known("backend", (options.backend,), BACKENDS)
    _known("worker model", options.workers, WORKERS)
    _known("workload", options.workloads, WORKLOADS)
    if not options.workers:
        raise UsageError(f"--workers names none. Known: {', '.join(WORKERS)}.")
    _check_replicas(options.replicas)
    if options.rounds is not None and not 2 <= options.rounds <= MAX_ROUNDS:
        raise UsageError(
            f"--rounds is {options.rounds}; an interval needs at least 2 rounds, and more than"
            f" {MAX_ROUNDS} take too long."
            f" Leave it out to measure until the answer is precise ({ROUNDS_MIN} to {ROUNDS_MAX})."
        )
    if not 0.001 <= options.precision_ratio < 1:
        raise UsageError(
            f"--precision is {options.precision_ratio:g}; it is the wanted half-width of the"
            " interval as a ratio, between 0.001 and 1. Try --precision 0.04."
        )
    if not 1 < options.target <= 2:
        raise UsageError(
            f"--target is {options.target:g}; a doubling factor to reach lies above 1 and is at"
            " most 2. Try --target 1.8."
        )
    if options.slo is not None:
        wanted.parse(options.slo)
    processes = options.generator_processes
    if processes is not None and not 1 <= processes <= MAX_GENERATOR_PROCESSES:
        raise UsageError(
            f"--generator-processes is {processes}; it lies between 1 and"
            f" {MAX_GENERATOR_PROCESSES}. Leave it out for one a core that the generator has."
        )
    return options


def _check_replicas(replicas: tuple[int, ...]) -> None:
    asked = ",".join(str(number) for number in replicas)
    for number in replicas:
        if not 1 <= number <= MAX_REPLICAS:
            raise UsageError(
                f"--replicas has {number}; a number of replicas lies between 1 and {MAX_REPLICAS}."
                " Try --replicas 1,2,4."
            )
    if len(set(replicas)) < len(replicas):
        raise UsageError(f"--replicas {asked} has a number twice. Name each once.")
    if not any(2 * number in replicas for number in replicas):
        raise UsageError(
            f"--replicas {asked or '(empty)'} has no number that is twice another, so there is no"
            " doubling to judge. Try --replicas 1,2,4."
        )


def _known(what: str, values: tuple[str, ...], known: Iterable[str]) -> None:
    names = tuple(known)
    for value in values:
        if value not in names:
            raise UsageError(f"Unknown {what} {value!r}. Known: {', '.join(names)}.")
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise UsageError(f"The {what} {repeated[0]!r} is named twice. Name each once.")
