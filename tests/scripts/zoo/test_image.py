"""The image of the zoo's application: built on the sample's."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.environments.compose import images
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import docker
from scripts.zoo import image
from scripts.zoo.plans import WSGI_APP

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "scripts/zoo/app"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Builds that only note their command."""
    commands: list[tuple[str, ...]] = []

    class Engine:
        def close(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(docker, "Engine", Engine)
    monkeypatch.setattr(images, "base_image", lambda *_, **__: "base:1")
    monkeypatch.setattr(docker, "build", lambda argv, **_: commands.append(tuple(argv)))
    return commands


def test_it_is_built_after_the_image_of_the_sample(built: list[tuple[str, ...]]) -> None:
    said: list[str] = []

    assert image.build(ROOT, say=said.append) == image.ZOO

    sample, zoo = built
    assert {"twofold/app:latest", "BASE_IMAGE=base:1", str(ROOT / "app")} < set(sample)
    assert {"twofold/zoo:latest", str(FOLDER)} < set(zoo)
    assert said == ["Building the image of the app", "Building the image of the zoo"]


def test_called_as_a_program_it_prints_the_images_name(
    built: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert image.main() == 0
    assert capsys.readouterr().out == "twofold/zoo:latest\n"


def test_without_an_engine_it_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise EnvironmentFailure("No Docker engine answers.")

    monkeypatch.setattr(docker, "Engine", refuse)

    assert image.main() == 4
    assert "No Docker engine answers." in capsys.readouterr().err


def test_it_stands_on_the_sample_and_runs_what_the_processes_backend_runs() -> None:
    dockerfile = (FOLDER / "Dockerfile").read_text()

    assert f'"{WSGI_APP}"]' in dockerfile
    assert f"FROM {images.APP}\n" in dockerfile
