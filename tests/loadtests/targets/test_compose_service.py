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
        ("compose.yaml:gone.yaml:web", True),
        ("stack:compose.yaml:web", True),
        ("stack:stack:web", True),
        ("stack:gone:web", False),
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


def test_several_files_are_the_first_and_those_over_it(tmp_path: Path) -> None:
    for name in ("compose.yaml", "compose.prod.yaml", "compose.local.yaml"):
        (tmp_path / name).write_text("services: {}\n")

    target = compose_service.find("compose.yaml:compose.prod.yaml:compose.local.yaml:web", tmp_path)

    assert (target.compose_file, target.service) == (str(tmp_path / "compose.yaml"), "web")
    assert target.overrides == (
        str(tmp_path / "compose.prod.yaml"),
        str(tmp_path / "compose.local.yaml"),
    )


NOT_READ = (
    "Not read, since the target does not name it: {name}. Compose itself would read it. To test"
    " with it, name compose.yaml:{name}:web."
)


def test_an_override_that_is_not_named_is_told(tmp_path: Path) -> None:
    for name in ("compose.yaml", "compose.override.yaml", "compose.prod.yaml"):
        (tmp_path / name).write_text("services: {}\n")

    notes = compose_service.find("compose.yaml:web", tmp_path).notes
    assert notes == (NOT_READ.format(name="compose.override.yaml"),)
    with_it = compose_service.find("compose.yaml:compose.override.yaml:web", tmp_path)
    assert with_it.notes == ()
    assert compose_service.find("compose.prod.yaml:web", tmp_path).notes == ()


def test_so_is_a_file_that_a_variable_names_and_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("compose.yaml", "compose.prod.yaml"):
        (tmp_path / name).write_text("services: {}\n")
    monkeypatch.setenv("COMPOSE_FILE", "compose.yaml:compose.prod.yaml:gone.yaml")

    notes = compose_service.find("compose.yaml:web", tmp_path).notes
    assert notes == (NOT_READ.format(name="compose.prod.yaml"),)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("compose.yaml", r"names no service\. Name one, as compose\.yaml:web"),
        ("compose.yaml:compose.yaml", r"names no service\. Name one, as compose\.yaml:compose"),
        ("compose.yaml:gone.yaml:web", r"There is no Compose file .*gone\.yaml"),
        ("gone.yaml:web", r"There is no Compose file .*gone\.yaml"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, given: str, said: str) -> None:
    (tmp_path / "compose.yaml").write_text("services: {}\n")

    with pytest.raises(UsageError, match=said):
        compose_service.find(given, tmp_path)
