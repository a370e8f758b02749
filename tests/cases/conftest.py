"""The images of the tests on the Docker engine are those of ``tests/docker``."""

from __future__ import annotations

from tests.docker.conftest import built, built_once

__all__ = ["built", "built_once"]
