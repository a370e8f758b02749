"""The images of the rows on the Docker engine."""

from __future__ import annotations

import pytest

from loadtests.environments.compose import images
from loadtests.targets import checkout
from loadtests.tools import docker
from tests.docker.conftest import built, built_once

__all__ = ["built", "built_once"]


@pytest.fixture(scope="session")
def with_store(built: images.Images) -> None:
    """The image of a PostgreSQL, which the rows about stores use as a user does."""
    engine = docker.Engine()
    try:
        images.build_all(engine, checkout.root(), say=lambda _: None, with_store=True)
    finally:
        engine.close()
