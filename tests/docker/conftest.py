"""The images and the folders of tests on the Docker engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.environments.compose import images
from loadtests.model.errors import EnvironmentFailure
from loadtests.targets import checkout
from loadtests.tools import docker
from tests.docker import built_images


@pytest.fixture(scope="session")
def built() -> images.Images:
    """The images that every stack has, and the one that those of the cases are made from."""
    try:
        engine = docker.Engine()
    except EnvironmentFailure as error:
        pytest.skip(str(error))
    try:
        return images.build_all(engine, checkout.root(), say=lambda _: None)
    finally:
        engine.close()


@pytest.fixture
def built_once(built: images.Images, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own images are not built again for each case."""
    monkeypatch.setattr(images, "build_all", lambda *_, **__: built)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's folder, which is the working folder."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    built_images.remove(folder)
