"""The backends: one line each. Which of them a run uses, and what each of them says here.

An entry is light: what a backend needs is imported when it is chosen, examined or cleaned up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from loadtests.config.options import AUTO
from loadtests.environments.backend_kind import BackendKind
from loadtests.environments.compose import kind as compose
from loadtests.environments.processes import kind as processes
from loadtests.environments.protocol import Chosen, Say
from loadtests.environments.removal import Remains
from loadtests.model.errors import EnvironmentFailure
from loadtests.planning.checks import BackendChecks

BACKENDS: dict[str, BackendKind] = {kind.name: kind for kind in (compose.KIND, processes.KIND)}


def names() -> dict[str, str]:
    """Give what ``--backend`` takes, each with what it stands for."""
    return {AUTO: "the first that works here"} | {
        kind.name: kind.about for kind in BACKENDS.values()
    }


def choose(asked: str, root: Path) -> Chosen:
    """Choose the backend that was asked for, or with ``auto`` the first that works here."""
    if asked != AUTO:
        chosen = BACKENDS[asked].choose(root)
        return replace(chosen, why=f"as asked for; {chosen.why}")
    failures: list[str] = []
    for kind in in_order_of_trial():
        try:
            chosen = kind.choose(root)
        except EnvironmentFailure as error:
            failures.append(f"Without {kind.name} ({error})")
        else:
            return replace(chosen, why="; ".join((*failures, chosen.why)))
    raise EnvironmentFailure("No backend works here. " + "; ".join(failures))


def in_order_of_trial() -> list[BackendKind]:
    """Give the backends that ``auto`` tries, in its order."""
    ranked = [(kind.auto_rank, kind) for kind in BACKENDS.values() if kind.auto_rank is not None]
    return [kind for _, kind in sorted(ranked, key=lambda entry: entry[0])]


def examine() -> tuple[BackendChecks, ...]:
    """Ask each backend what it needs and finds here, for ``doctor``."""
    return tuple(kind.examine() for kind in BACKENDS.values())


@contextmanager
def remains(say: Say) -> Iterator[tuple[Remains, ...]]:
    """Give what runs of every backend have on this machine; it can be removed inside the block."""
    with ExitStack() as stack:
        yield tuple(
            run for kind in BACKENDS.values() for run in stack.enter_context(kind.remains(say))
        )
