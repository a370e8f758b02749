"""The backend ``processes`` in the registry; it loads what it needs only when it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.environments.backend_kind import BackendKind
from loadtests.environments.protocol import Chosen, Say
from loadtests.environments.removal import Remains
from loadtests.model.tested.target import Target, TargetKind
from loadtests.planning.checks import BackendChecks


def _choose(root: Path, tested: Target, start_limit_s: float) -> Chosen:
    from loadtests.environments.processes import machine

    return machine.choose(root, tested, start_limit_s=start_limit_s)


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


@contextmanager
def _remains(_: Say) -> Iterator[tuple[Remains, ...]]:
    from loadtests.environments.processes import leftovers

    yield leftovers.remains()


KIND = BackendKind(
    name="processes",
    about="processes of this machine; needs no Docker",
    auto_rank=2,
    targets=frozenset({TargetKind.SAMPLE, TargetKind.IMPORT_STRING}),
    choose=_choose,
    examine=_examine,
    remains=_remains,
)
