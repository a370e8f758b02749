"""Which base image a variant's Python has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose import images
from loadtests.environments.compose.tested import pythons
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.servers import registry
from loadtests.tools import docker

SYNC = registry.worker_models()["sync"]


class Engine:
    """An engine that has these images."""

    def __init__(self, *tags: str) -> None:
        self._tags = tags

    def image_id(self, tag: str) -> str | None:
        return f"sha256:{tag}" if tag in self._tags else None


def base_of(engine: Engine, python: str | None, monkeypatch: pytest.MonkeyPatch) -> str:
    def made(_: Path, words: Sequence[str], *, say: object) -> str:
        return f"made {' '.join(words)}"

    monkeypatch.setattr(images, "made_base", made)
    monkeypatch.setattr(images, "base_image", lambda *_, **__: "usual")
    monkeypatch.setattr(docker, "pull", lambda tag: tag == "python:3.12-slim")
    quiet: Any = lambda _: None  # noqa: E731  as short as what it does
    return pythons.base_of(engine, Path(), python, say=quiet)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("python", "base"),
    [
        (None, "usual"),
        ("python3.14", "python:3.14-slim"),
        ("python3.12", "python:3.12-slim"),
        ("python3.11", "made --suite bookworm"),
        ("python3.13", "made --suite trixie"),
    ],
)
def test_a_python_has_the_official_image_or_one_of_debian(
    python: str | None, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert base_of(Engine("python:3.14-slim"), python, monkeypatch) == base


def test_a_python_that_nobody_has_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFailure, match=r"docker tag IMAGE python:3\.14-slim"):
        base_of(Engine(), "python3.14", monkeypatch)


@pytest.mark.parametrize("python", ["pypy3", "/opt/python/bin/python", "python3"])
def test_a_path_or_pypy_is_refused_with_the_backend_that_takes_it(python: str) -> None:
    with pytest.raises(UsageError, match="--backend processes"):
        pythons.check([SYNC, replace(SYNC, name="own", python=python)])


def test_variants_are_grouped_by_their_python() -> None:
    old = replace(SYNC, name="old", python="python3.11")
    older = replace(SYNC, name="older", python="python3.11")

    assert pythons.grouped([SYNC, old, older]) == {None: (SYNC,), "python3.11": (old, older)}


def test_each_python_has_a_tag_of_its_own() -> None:
    assert pythons.tag_of("twofold/project-shop-1:latest", None) == "twofold/project-shop-1:latest"
    assert pythons.tag_of("twofold/project-shop-1:latest", "python3.11") == (
        "twofold/project-shop-1:python3.11"
    )
