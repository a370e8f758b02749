"""The backend ``compose`` in the registry; it loads Docker's library only when it is used."""

from __future__ import annotations

from pathlib import Path

from loadtests.environments.protocol import BackendKind, Chosen, Say
from loadtests.planning.checks import BackendChecks


def _choose(root: Path) -> Chosen:
    from loadtests.environments.compose import machine

    return machine.choose(root)


def _examine() -> BackendChecks:
    from loadtests.environments.compose import machine
    from loadtests.planning import compose_check

    engine = machine.look()
    return BackendChecks(
        name=KIND.name,
        checks=compose_check.judge(engine),
        machine=engine.machine,
        leftovers=engine.leftovers,
    )


def _remove_leftovers(say: Say) -> int:
    from loadtests.environments.compose import projects

    return projects.remove_all(say)


KIND = BackendKind(
    name="compose",
    about="containers; needs Docker",
    auto_rank=1,
    choose=_choose,
    examine=_examine,
    remove_leftovers=_remove_leftovers,
)
