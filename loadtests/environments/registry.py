"""The registry of backends, one line each, and the choice between them.

Entries are light: a backend's modules are imported when it is chosen, examined or cleaned up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from loadtests.config.options import AUTO
from loadtests.environments.backend_kind import BackendKind
from loadtests.environments.compose import kind as compose
from loadtests.environments.external import kind as external
from loadtests.environments.processes import kind as processes
from loadtests.environments.protocol import Chosen, Say
from loadtests.environments.removal import Listed, Remains
from loadtests.environments.swarm import kind as swarm
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.plan import START_LIMIT_S
from loadtests.model.tested.target import SAMPLE, Target
from loadtests.planning.checks import BackendChecks
from loadtests.tools import temporary

BACKENDS: dict[str, BackendKind] = {
    kind.name: kind for kind in (compose.KIND, processes.KIND, external.KIND, swarm.KIND)
}


def names() -> dict[str, str]:
    """Return the values of ``--backend``, each with a short description."""
    return {AUTO: "the first that works here"} | {
        kind.name: kind.about for kind in BACKENDS.values()
    }


def choose(
    backend: str, root: Path, tested: Target = SAMPLE, *, start_limit_s: float = START_LIMIT_S
) -> Chosen:
    """Return the chosen backend for a target, or for ``auto`` the first that works on this machine.

    Raises :class:`EnvironmentFailure` if it does not work, and :class:`UsageError` if it cannot run
    such a target.
    """
    if backend != AUTO:
        _check_target(backend, tested)
        chosen = BACKENDS[backend].choose(root, tested, start_limit_s)
        return replace(chosen, why=f"as requested; {chosen.why}")
    failures: list[str] = []
    for kind in in_order_of_trial():
        if tested.kind not in kind.targets:
            continue
        try:
            chosen = kind.choose(root, tested, start_limit_s)
        except EnvironmentFailure as error:
            failures.append(f"Without {kind.name} ({error})")
        else:
            return replace(chosen, why="; ".join((*failures, chosen.why)))
    raise EnvironmentFailure("No backend works here. " + "; ".join(failures))


def _check_target(backend: str, tested: Target) -> None:
    if tested.kind in BACKENDS[backend].targets:
        return
    able = [kind.name for kind in BACKENDS.values() if tested.kind in kind.targets]
    raise UsageError(
        f"--backend {backend} cannot run {tested.name}, which is a target of the form"
        f" {str(tested.kind)!r}. Use --backend {' or '.join(able)}."
    )


def in_order_of_trial() -> list[BackendKind]:
    """Return the backends that ``auto`` tries, in order."""
    ranked = [(kind.auto_rank, kind) for kind in BACKENDS.values() if kind.auto_rank is not None]
    return [kind for _, kind in sorted(ranked, key=lambda entry: entry[0])]


def examine() -> tuple[BackendChecks, ...]:
    """Return the checks of all backends, for ``doctor``."""
    return tuple(kind.examine() for kind in BACKENDS.values() if kind.examine is not None)


@contextmanager
def remains(say: Say) -> Iterator[Listed]:
    """Provide what the runs of all backends left on this machine, for removal in the block.

    A backend whose list fails hides nothing of the others.
    """
    runs: list[Remains] = []
    failures: list[str] = []
    with ExitStack() as stack:
        for kind in BACKENDS.values():
            try:
                runs += stack.enter_context(kind.remains(say))
            except (EnvironmentFailure, OSError) as error:
                failures.append(f"What runs with {kind.name} have left is not known: {error}")
        runs += _temporary_folders()
        yield Listed(runs=tuple(runs), failures=tuple(failures))


def _temporary_folders() -> list[Remains]:
    """Return the temporary folders of processes that were killed, for which no backend answers."""
    return [
        Remains(name=str(path), living=False, remove=partial(temporary.remove_if_abandoned, path))
        for path in temporary.abandoned()
    ]
