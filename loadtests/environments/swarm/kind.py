"""The registry entry of the Swarm backend; imports Docker's library only when used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.environments.backend_kind import BackendKind
from loadtests.environments.protocol import Chosen, Say
from loadtests.environments.removal import Remains
from loadtests.model.tested.target import Target, TargetKind


def _choose(root: Path, tested: Target, _: float) -> Chosen:
    from loadtests.environments.swarm import backend

    return backend.choose(root, tested)


@contextmanager
def _remains(_: Say) -> Iterator[tuple[Remains, ...]]:
    from loadtests.environments.swarm import stacks

    with stacks.manager_if_any() as manager:
        yield stacks.remains(manager, {}) if manager else ()


KIND = BackendKind(
    name="swarm",
    about="services on the nodes of a Docker Swarm",
    auto_rank=None,
    targets=frozenset(
        {
            TargetKind.SAMPLE,
            TargetKind.IMPORT_STRING,
            TargetKind.DOCKERFILE,
            TargetKind.IMAGE,
        }
    ),
    choose=_choose,
    examine=None,
    remains=_remains,
)
