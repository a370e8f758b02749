"""A service of a Compose file as a target."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets import compose_service


@pytest.mark.parametrize(
    ("given", "recognised"),
    [
        ("compose.yaml:web", True),
        ("missing.yml:web", True),
        ("stack:web", True),
        ("compose.yaml", True),
        ("missing.yaml", False),
        ("shop:app", False),
        ("shop:1.2", False),
    ],
)
def test_a_compose_file_is_recognised_by_its_name(
    tmp_path: Path, given: str, recognised: bool
) -> None:
    for name in ("compose.yaml", "stack"):
        (tmp_path / name).write_text("services: {}\n")

    assert compose_service.recognises(given, tmp_path) is recognised


def test_the_file_and_its_service_are_found(tmp_path: Path) -> None:
    path = tmp_path / "docker/compose.yaml"
    path.parent.mkdir()
    path.write_text("services: {}\n")

    target = compose_service.find("docker/compose.yaml:web", tmp_path)

    assert (target.compose_file, target.service) == (str(path), "web")
    assert (target.folder, target.name, target.notes) == (str(path.parent), "web", ())


def test_an_override_that_is_not_named_is_told(tmp_path: Path) -> None:
    for name in ("compose.yaml", "compose.override.yaml"):
        (tmp_path / name).write_text("services: {}\n")

    assert compose_service.find("compose.yaml:web", tmp_path).notes == (
        "compose.override.yaml was not read: only compose.yaml is named.",
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("compose.yaml", r"names no service\. Name one, as compose\.yaml:web"),
        ("gone.yaml:web", r"There is no Compose file .*gone\.yaml"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, given: str, said: str) -> None:
    (tmp_path / "compose.yaml").write_text("services: {}\n")

    with pytest.raises(UsageError, match=said):
        compose_service.find(given, tmp_path)
