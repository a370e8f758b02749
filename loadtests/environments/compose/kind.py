"""The registry entry of the Compose backend; imports Docker's library only when used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.environments.backend_kind import BackendKind
from loadtests.environments.protocol import Chosen, Say
from loadtests.environments.removal import Remains
from loadtests.model.tested.target import Target, TargetKind
from loadtests.planning.checks import BackendChecks


def _choose(root: Path, tested: Target, _: float) -> Chosen:
    from loadtests.environments.compose import machine

    return machine.choose(root, tested)


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


@contextmanager
def _remains(say: Say) -> Iterator[tuple[Remains, ...]]:
    from loadtests.environments.compose import projects

    with projects.engine_if_any(say) as engine:
        yield projects.remains(engine) if engine else ()


KIND = BackendKind(
    name="compose",
    about="containers; needs Docker",
    auto_rank=1,
    targets=frozenset(
        {
            TargetKind.SAMPLE,
            TargetKind.IMPORT_STRING,
            TargetKind.DOCKERFILE,
            TargetKind.IMAGE,
            TargetKind.SERVICE,
        }
    ),
    choose=_choose,
    examine=_examine,
    remains=_remains,
)
