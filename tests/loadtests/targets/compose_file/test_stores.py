from __future__ import annotations

from typing import Any

import pytest

from loadtests.targets.compose_file.stores import is_store, unneeded


@pytest.mark.parametrize(
    ("image", "ports", "store"),
    [
        ("postgres:16", (), True),
        ("docker.io/bitnami/redis@sha256:0", (), True),
        ("mysql", (), True),
        ("ghcr.io/acme/timescaledb-ha:pg16", (), True),
        ("shop:1.2", (5432,), True),
        ("shop:1.2", (8000,), False),
        ("postgres.example.org/shop", (), False),
        ("nginx", (80,), False),
    ],
)
def test_stores_are_known_by_image_or_port(image: str, ports: tuple[int, ...], store: bool) -> None:
    assert is_store(image, ports) is store


def test_a_store_that_no_service_names_is_unneeded_and_an_administrators_page_counts_as_none() -> (
    None
):
    services: dict[str, dict[str, Any]] = {
        "web": {"build": ".", "depends_on": ["db"]},
        "db": {"image": "postgres:16"},
        "cache": {"image": "redis"},
        "page": {"image": "redis-commander", "environment": {"REDIS_HOST": "cache"}},
        "mail": {"image": "mailpit"},
    }

    assert unneeded(services) == ("cache",)
