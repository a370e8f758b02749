"""Which files Compose reads in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.targets.compose_file import files


@pytest.mark.parametrize(
    ("there", "read"),
    [
        ((), ()),
        (("compose.yaml", "docker-compose.yml"), ("compose.yaml",)),
        (("docker-compose.yaml", "docker-compose.yml"), ("docker-compose.yml",)),
        (("compose.yml", "compose.override.yaml"), ("compose.yml", "compose.override.yaml")),
        (
            ("compose.yaml", "docker-compose.override.yml"),
            ("compose.yaml", "docker-compose.override.yml"),
        ),
        (("compose.override.yaml", "compose.prod.yaml"), ()),
    ],
)
def test_a_file_is_known_by_its_name_and_so_is_its_override(
    tmp_path: Path, there: tuple[str, ...], read: tuple[str, ...]
) -> None:
    for name in there:
        (tmp_path / name).touch()

    assert files.chosen(tmp_path, {}) == read


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, ()),
        ({"COMPOSE_FILE": ""}, ()),
        ({"COMPOSE_FILE": "a.yaml"}, ("a.yaml",)),
        ({"COMPOSE_FILE": "a.yaml:deploy/b.yaml"}, ("a.yaml", "deploy/b.yaml")),
        ({"COMPOSE_FILE": "a;b:c", "COMPOSE_PATH_SEPARATOR": ";"}, ("a", "b:c")),
        ({"COMPOSE_FILE": "a:b", "COMPOSE_PATH_SEPARATOR": ""}, ("a", "b")),
    ],
)
def test_a_variable_names_the_files(values: dict[str, str], named: tuple[str, ...]) -> None:
    assert files.of_variable(values) == named


def test_the_variable_of_the_shell_wins_over_that_of_the_folder_and_both_over_the_names(
    tmp_path: Path,
) -> None:
    (tmp_path / "compose.yaml").touch()
    (tmp_path / ".env").write_text("COMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE=one.yaml,two.yaml\n")

    assert files.chosen(tmp_path, {}) == ("one.yaml", "two.yaml")
    assert files.chosen(tmp_path, {"COMPOSE_FILE": "three.yaml"}) == ("three.yaml",)


def test_a_target_names_files_with_a_colon_between_them(tmp_path: Path) -> None:
    (tmp_path / "odd:name.yaml").touch()

    assert files.split("a.yaml:b.yaml", tmp_path) == ("a.yaml", "b.yaml")
    assert files.split("odd:name.yaml", tmp_path) == ("odd:name.yaml",)
    assert files.joined(("a.yaml", "b.yaml")) == "a.yaml:b.yaml"
