"""Compose files, and those that they include and extend."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from loadtests.targets.compose_file import project, variables
from loadtests.targets.compose_file.variables import Filled
from loadtests.tools.docker_compose import ComposeFileError


def read(
    folder: Path, texts: Mapping[str, str], environ: Mapping[str, str] | None = None
) -> Filled:
    """Write files, and return the project of compose.yaml."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return project.read(
        ["compose.yaml"], folder, folder, variables.of_folder(folder, environ or {})
    )


@pytest.mark.parametrize(
    "entry", ["shop/web.yaml", "{path: shop/web.yaml}", "{path: [shop/web.yaml]}", "$SHOP/web.yaml"]
)
def test_services_that_are_included_are_the_projects_and_are_built_from_their_own_folder(
    tmp_path: Path, entry: str
) -> None:
    made = read(
        tmp_path,
        {
            "compose.yaml": f"include: ['{entry}']" if "{" not in entry else f"include: [{entry}]",
            "shop/web.yaml": "services: {web: {build: code, env_file: web.env}, db: {image: pg}}",
            "shop/web.env": "DB_HOST=db",
        },
        {"SHOP": "shop"},
    )

    assert list(made.services) == ["web", "db"]
    assert made.services["web"]["build"] == {"context": "shop/code"}
    assert made.services["web"]["environment"] == {"DB_HOST": "db"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", {"A": "shell", "B": "outer", "C": "inner"}),
        (", env_file: own.env", {"A": "shell", "B": "outer", "C": "own"}),
        (", project_directory: .", {"A": "shell", "B": "outer", "C": ""}),
    ],
)
def test_what_is_included_has_variables_of_its_own_and_the_projects_win(
    tmp_path: Path, settings: str, expected: dict[str, str]
) -> None:
    made = read(
        tmp_path,
        {
            "compose.yaml": f"include: [{{path: shop/web.yaml{settings}}}]",
            ".env": "A=outer\nB=outer",
            "own.env": "A=own\nB=own\nC=own",
            "shop/.env": "A=inner\nB=inner\nC=inner",
            "shop/web.yaml": "services: {web: {build: ., environment: [A=$A, B=$B, C=$C]}}",
        },
        {"A": "shell"},
    )

    assert made.services["web"]["environment"] == expected
    assert made.unset["web"] == (() if expected["C"] else ("C",))
    own = "." if "project_directory" in settings else {"context": "shop"}
    assert made.services["web"]["build"] == own


def test_a_file_that_is_included_may_include_others(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        {
            "compose.yaml": "include: [a/a.yaml]\nservices: {web: {image: web}}",
            "a/a.yaml": "include: [../b/b.yaml, https://example.com/c.git]",
            "b/b.yaml": "include: [../compose.yaml]\nservices: {job: {build: {context: ./x}}}",
        },
    )

    assert list(made.services) == ["job", "web"]
    assert made.services["job"]["build"] == {"context": "b/x"}


def test_a_service_has_what_those_have_that_it_extends(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        {
            "compose.yaml": """services:
  web: {extends: {file: common/base.yaml, service: flask}, environment: {B: own}, ports: [80]}
  api: {extends: web, ports: [81]}""",
            "common/base.yaml": """services:
  flask: {extends: root, environment: [A=base, B=base]}
  root: {build: {context: ., target: dev}, env_file: [x.env], depends_on: [db]}""",
            "common/x.env": "X=1",
        },
    )

    web, api = made.services["web"], made.services["api"]
    assert web["build"] == api["build"] == {"context": "common", "target": "dev"}
    assert web["environment"] == api["environment"] == {"A": "base", "B": "own", "X": "1"}
    assert (web["ports"], api["ports"], api["depends_on"]) == ([80], [80, 81], ["db"])


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {build: ., extends: web}}",
        "services: {web: {build: ., extends: {file: compose.yaml, service: web}}}",
        "services: {web: {build: ., extends: gone}}",
        "services: {web: {build: ., extends: [1]}}",
        "services: {web: {build: ., extends: {service: x, file: [1]}}}",
        "include: [7, {}, {path: {}}, '']\nservices: {web: {build: .}}",
        "include: 7\nservices: {web: {build: .}}",
    ],
)
def test_a_mistake_is_composes_to_tell(tmp_path: Path, text: str) -> None:
    services: Mapping[str, Any] = read(tmp_path, {"compose.yaml": text}).services

    assert services["web"]["build"] in (".", {"context": "."})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("include: [gone.yaml]", "gone.yaml"),
        ("services: {web: {extends: {file: gone.yaml, service: web}}}", "gone.yaml"),
        ("services: [", "compose.yaml"),
        ('include: ["a\\0b"]', "a\0b"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(ComposeFileError, match=f"{name} cannot be read: "):
        read(tmp_path, {"compose.yaml": text})
