"""The options of a run, and their checks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.config import names
from loadtests.config import slo as latency_objective
from loadtests.model.errors import UsageError
from loadtests.model.plan import START_LIMIT_S

AUTO = "auto"
"""The backend option for the first backend that works on this machine."""

DEFAULT_WORKLOAD = "cpu"
DEFAULT_PRECISION_RATIO = 0.04
DEFAULT_TARGET = 1.8
"""The factor that counts as "about twice": nine tenths of perfect scaling."""

ROUNDS_MIN = 4
ROUNDS_MAX = 12

MAX_REPLICAS = 64
"""A larger number is more likely a typing error."""

MAX_GENERATOR_PROCESSES = 64
"""Limit of the generator program."""

MOST_GENERATOR_WORKERS = 64

MOST_PORT = 65_535

MAX_START_LIMIT_S = 3600.0
"""A longer start is more likely a typing error."""

MAX_ROUNDS = 500
"""More rounds would take a day even with one cell."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The valid values of options, each with a short description.

    They come from the registries of backends, servers and workloads, which this package does not
    import.
    """

    backends: Mapping[str, str]
    workers: Mapping[str, str]
    workloads: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of ``twofold run``.

    ``workers`` None means "all worker models"; ``workloads`` empty means "the default, or what this
    machine can test"; ``rounds`` None means "until the result is precise enough"; ``seed`` None
    means "a random one". ``probe`` starts a store for any workload, to check state that is kept in
    it.
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
    """A latency objective such as ``p99=250ms``; it implies ``latency``."""
    generator_processes: int | None = None
    """Processes of the load generator; None means one per core of the generator."""
    generator_workers: tuple[str, ...] = ()
    """The ``host:port`` of the machines that generate the load; none means this one."""
    start_limit_s: float = START_LIMIT_S
    """How long a replica may take until it answers."""
    max_rps: float | None = None
    """The most requests a second that a deployment at a URL may get."""
    profile: bool = False
    """Whether to look, after the rounds, where requests wait."""
    one_size: bool = False
    """Whether replicas are as large as where the most that fit here run, however few these are."""


def check(options: Options, choices: Choices) -> Options:
    """Return the options; raise :class:`UsageError` for a bad value, with a valid example."""
    names.check("backend", (options.backend,), choices.backends)
    names.check("worker model", options.workers or (), choices.workers)
    names.check("workload", options.workloads, choices.workloads)
    if options.workers == ():
        raise UsageError(f"--workers names no worker model. Known: {', '.join(choices.workers)}.")
    check_replicas(options.replicas)
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
            f" Leave it out to measure until the result is precise ({ROUNDS_MIN} to {ROUNDS_MAX})."
        )


def _check_figures(options: Options) -> None:
    if not 0.001 <= options.precision_ratio < 1:
        raise UsageError(
            f"--precision is {options.precision_ratio:g}; it is the half-width of the"
            " interval to reach, as a ratio between 0.001 and 1. Try --precision 0.04."
        )
    if not 1 < options.target <= 2:
        raise UsageError(
            f"--target is {options.target:g}; the doubling factor to reach has to be"
            " above 1 and at most 2. Try --target 1.8."
        )
    check_start_limit(options.start_limit_s)
    if options.max_rps is not None and not 0 < options.max_rps < math.inf:
        raise UsageError(
            f"--max-rps is {options.max_rps:g}; it is how many requests a second may be sent, and"
            " has to be above 0 and finite. Try --max-rps 50."
        )
    check_generator_workers(options.generator_workers)
    processes = options.generator_processes
    if processes is not None and not 1 <= processes <= MAX_GENERATOR_PROCESSES:
        raise UsageError(
            f"--generator-processes is {processes}; it has to be between 1 and"
            f" {MAX_GENERATOR_PROCESSES}. Leave it out for one per core of the generator."
        )


def check_generator_workers(addresses: tuple[str, ...]) -> None:
    """Raise :class:`UsageError` for an address of a generator that cannot be one."""
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 1 <= int(port) <= MOST_PORT:
            raise UsageError(
                f"--generator-workers has {address!r}; each is a host and a port."
                " Try --generator-workers 10.0.0.5:8089,10.0.0.6:8089."
            )
    if len(addresses) > MOST_GENERATOR_WORKERS or len(set(addresses)) < len(addresses):
        raise UsageError(
            f"--generator-workers has {len(addresses)} addresses; give each machine once, and at"
            f" most {MOST_GENERATOR_WORKERS}."
        )


def check_replicas(replicas: tuple[int, ...]) -> None:
    """Raise :class:`UsageError` for numbers of replicas that cannot be measured."""
    given = ",".join(str(number) for number in replicas)
    for number in replicas:
        if not 1 <= number <= MAX_REPLICAS:
            raise UsageError(
                f"--replicas has {number}; a number of replicas has to be between 1 and"
                f" {MAX_REPLICAS}."
                " Try --replicas 1,2,4."
            )
    if len(set(replicas)) < len(replicas):
        raise UsageError(f"--replicas {given} has a number twice. Give each once.")
    if not any(2 * number in replicas for number in replicas):
        raise UsageError(
            f"--replicas {given or '(empty)'} has no number that is twice another, so there is no"
            " doubling to measure. Try --replicas 1,2,4."
        )


def check_start_limit(limit_s: float) -> None:
    """Raise :class:`UsageError` for a time to start that is none."""
    if not 1 <= limit_s <= MAX_START_LIMIT_S:
        raise UsageError(
            f"--start-limit is {limit_s:g}; it is how many seconds a replica may take"
            f" until it answers, between 1 and {MAX_START_LIMIT_S:g}. Try --start-limit 300."
        )
