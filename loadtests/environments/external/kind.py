"""The registry entry of the external backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.environments.backend_kind import BackendKind
from loadtests.environments.protocol import Chosen, Say
from loadtests.environments.removal import Remains
from loadtests.model.tested.target import Target, TargetKind


def _choose(_: Path, tested: Target, __: float) -> Chosen:
    from loadtests.environments.external import backend

    return backend.choose(tested)


@contextmanager
def _remains(_: Say) -> Iterator[tuple[Remains, ...]]:
    from loadtests.environments.external import record

    yield record.remains()


KIND = BackendKind(
    name="external",
    about="a deployment that runs already; scaled by hooks",
    auto_rank=3,
    targets=frozenset({TargetKind.URL}),
    choose=_choose,
    examine=None,
    remains=_remains,
)
