"""What a person asked for, checked, before it meets a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.config import names
from loadtests.config import slo as latency_objective
from loadtests.model.errors import UsageError

AUTO = "auto"
"""The backend that stands for the first one that works here."""

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
class Choices:
    """The names that options may have, each with what it stands for in a few words.

    They come from the registries of backends, servers and workloads, which lie above this package.
    """

    backends: Mapping[str, str]
    workers: Mapping[str, str]
    workloads: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``twofold run`` was asked for.

    ``workers`` None means "every worker model"; ``workloads`` empty means "the default, or what
    this machine can test"; ``rounds`` None means "until the answer is precise enough"; ``seed``
    None means "choose one and say which". ``probe`` asks for a store whatever the workloads, so
    that state kept in it can be looked for.
    """

    backend: str = AUTO
    workers: tuple[str, ...] | None = None
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


def check(options: Options, choices: Choices) -> Options:
    """Give the options back, or raise :class:`UsageError` naming value and way out."""
    names.check("backend", (options.backend,), choices.backends)
    names.check("worker model", options.workers or (), choices.workers)
    names.check("workload", options.workloads, choices.workloads)
    if options.workers == ():
        raise UsageError(f"--workers names none. Known: {', '.join(choices.workers)}.")
    _check_replicas(options.replicas)
    _check_rounds(options.rounds)
    _check_figures(options)
    if options.slo is not None:
        latency_objective.parse(options.slo)
    return options


def _check_rounds(rounds: int | None) -> None:
    if rounds is not None and not 2 <= rounds <= MAX_ROUNDS:
        raise UsageError(
            f"--rounds is {rounds}; an interval needs at least 2 rounds, and more than"
            f" {MAX_ROUNDS} take too long."
            f" Leave it out to measure until the answer is precise ({ROUNDS_MIN} to {ROUNDS_MAX})."
        )


def _check_figures(options: Options) -> None:
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
    processes = options.generator_processes
    if processes is not None and not 1 <= processes <= MAX_GENERATOR_PROCESSES:
        raise UsageError(
            f"--generator-processes is {processes}; it lies between 1 and"
            f" {MAX_GENERATOR_PROCESSES}. Leave it out for one a core that the generator has."
        )


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
