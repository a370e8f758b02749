import pytest

from loadtests.targets.compose_file.stores import is_store


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
