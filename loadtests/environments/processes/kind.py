"""The backend ``processes`` in the registry; it loads what it needs only when it is used."""

from __future__ import annotations

from pathlib import Path

from loadtests.environments.protocol import BackendKind, Chosen, Say
from loadtests.planning.checks import BackendChecks


def _choose(root: Path) -> Chosen:
    from loadtests.environments.processes import machine

    return machine.choose(root)


def _examine() -> BackendChecks:
    from loadtests.environments.processes import leftovers, machine
    from loadtests.planning import processes_check

    facts = machine.look(machine.PROXY_PORTS)
    return BackendChecks(
        name=KIND.name,
        checks=processes_check.judge(facts),
        machine=facts.machine,
        leftovers=tuple(map(str, leftovers.abandoned())),
    )


def _remove_leftovers(say: Say) -> int:
    from loadtests.environments.processes import leftovers

    return leftovers.remove_all(say)


KIND = BackendKind(
    name="processes",
    about="processes of this machine; needs no Docker",
    auto_rank=2,
    choose=_choose,
    examine=_examine,
    remove_leftovers=_remove_leftovers,
)
