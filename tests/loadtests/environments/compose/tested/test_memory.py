"""The memory of containers without a limit of the user's."""

from types import SimpleNamespace
from typing import Any

from loadtests.environments.compose.tested.memory import beside_share, memory_share


def test_replicas_share_half_the_memory() -> None:
    engine: Any = SimpleNamespace(facts=lambda: {"MemTotal": 16 << 30})

    assert memory_share(engine, 16) == 512 << 20


def test_services_beside_the_replicas_share_half_the_memory_and_have_a_least() -> None:
    engine: Any = SimpleNamespace(facts=lambda: {"MemTotal": 16 << 30})

    shares = [beside_share(engine, count) >> 20 for count in (0, 1, 2, 4, 100)]

    assert shares == [8192, 8192, 4096, 2048, 1024]
