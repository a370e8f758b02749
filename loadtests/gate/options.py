"""What ``twofold gate`` was asked for, checked, before it meets a machine. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from loadtests.config import names
from loadtests.model.errors import UsageError
from loadtests.servers.registry import worker_models
from loadtests.targets.workloads import WORKLOADS

MARGIN = 0.05
"""A loss of 5 % is what most teams would want to know of, and what this gate can see in minutes."""

MAX_MINUTES = 8.0
"""Of measuring, for each worker model; most gates need two."""

NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
NOT_IN_VALUES = frozenset("\n\r\"'`$\\#")
"""Characters that the two Composes read in different ways in a file of variables."""

RESERVED = frozenset({"WORKER_MODEL", "SECRET_KEY"})
"""Variables that the stack itself sets."""


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """What was asked for; None means "the default"."""

    base: str | None = None
    head: str | None = None
    workers: tuple[str, ...] = ("gthread",)
    workload: str = "cpu"
    margin: float = MARGIN
    max_minutes: float = MAX_MINUTES
    scaling: bool = True
    seed: int | None = None
    base_environment: Mapping[str, str] = field(default_factory=dict)
    head_environment: Mapping[str, str] = field(default_factory=dict)


def check(options: GateOptions) -> GateOptions:
    """Give the options back, or raise :class:`UsageError` naming value and way out."""
    if not options.workers:
        raise UsageError(f"--workers names none. Known: {', '.join(worker_models())}.")
    names.check("worker model", options.workers, worker_models())
    path_of(options.workload)
    if not 0.005 <= options.margin <= 0.5:
        raise UsageError(
            f"--margin is {options.margin:g}; it is the loss that still passes, as a ratio between"
            " 0.005 and 0.5. Try --margin 0.05."
        )
    if not 0.1 <= options.max_minutes <= 24 * 60:
        raise UsageError(
            f"--max-minutes is {options.max_minutes:g}; it lies between 0.1 and a day."
            f" Try --max-minutes {MAX_MINUTES:g}."
        )
    return options


def path_of(workload: str) -> str:
    """Give the path that a workload asks for: one of ours by name, or any path as it is."""
    if workload.startswith("/"):
        return workload
    alone = workloads()
    if workload not in alone:
        store = " needs a store, which a gate's stack has not" if workload in WORKLOADS else ""
        raise UsageError(
            f"--workload {workload!r}{store or ' is unknown'}. Known: {', '.join(alone)}, or a"
            " path such as /search?q=a."
        )
    return WORKLOADS[workload].path


def workloads() -> tuple[str, ...]:
    """Give the names of the workloads that a gate can ask for: those that need no store."""
    return tuple(name for name, entry in WORKLOADS.items() if not entry.needs_store)


def environment(given: Iterable[str], option: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` words; raise :class:`UsageError` for one that is none."""
    found: dict[str, str] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or not name or not NAME_CHARACTERS.issuperset(name):
            raise UsageError(f"{option} {word!r} is not NAME=VALUE. Try {option} DEBUG=0.")
        if NOT_IN_VALUES.intersection(value):
            raise UsageError(
                f"{option} {name}: the value has a quote, a line break or one of `$\\#, which"
                " Compose may read in another way. Put it into the image instead."
            )
        if name in RESERVED:
            raise UsageError(f"{option} {name} cannot be set: the stack does.")
        found[name] = value
    return found
