"""The images that CI builds before anything needs them."""

from __future__ import annotations

import pytest

from loadtests.environments.compose import images
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import docker
from scripts import images as script
from scripts.zoo import image


def test_all_images_of_runs_gates_and_their_tests_are_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tags: list[str] = []

    class Engine:
        def image_id(self, tag: str) -> str:
            return f"sha256:{tag}"

        def close(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(docker, "Engine", Engine)
    monkeypatch.setattr(images, "base_image", lambda *_, **__: "base:1")
    monkeypatch.setattr(
        docker, "build", lambda argv, **_: tags.append(argv[argv.index("--tag") + 1])
    )

    assert script.main() == 0
    assert set(tags) == {images.APP, images.PROXY, images.GENERATOR, images.STORE, image.ZOO}


def test_without_an_engine_it_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise EnvironmentFailure("No Docker engine answers.")

    monkeypatch.setattr(docker, "Engine", refuse)

    assert script.main() == 4
    assert "No Docker engine answers." in capsys.readouterr().err
