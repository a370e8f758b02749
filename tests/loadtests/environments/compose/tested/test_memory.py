"""The memory of containers without a limit of the user's."""

from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.environments.compose.tested.memory import beside_share, memory_share


def test_replicas_share_half_the_memory() -> None:
    engine: Any = SimpleNamespace(facts=lambda: {"MemTotal": 16 << 30})

    assert memory_share(engine, 16) == 512 << 20


@pytest.mark.parametrize(("total_gib", "share_gib"), [(16, 8), (4, 2), (1, 1)])
def test_no_service_beside_the_replicas_gets_more_than_the_other_half(
    total_gib: int, share_gib: int
) -> None:
    """A limit is no reservation: what one service leaves, another may use."""
    engine: Any = SimpleNamespace(facts=lambda: {"MemTotal": total_gib << 30})

    assert beside_share(engine) == share_gib << 30
