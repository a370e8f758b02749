"""What Compose reads for a version and is not the version's own: head never has more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.gate.tested import compose_inputs
from loadtests.model.errors import UsageError
from loadtests.targets import registry


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / ".env").write_text("A=1\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/.env").write_text("TOKEN=x\n")
    return folder


def read(root: Path, text: str, *, own: Path | None = None) -> frozenset[str]:
    file = root / "compose.yaml"
    file.write_text(text)
    return compose_inputs.of([file], root, own=own)


@pytest.mark.parametrize(
    ("web", "right"),
    [
        ("env_file: /etc/environment", "web: env_file /etc/environment"),
        ("env_file: ../other/.env", "web: env_file ../other/.env"),
        ("env_file: [.env, ../other/.env]", "web: env_file ../other/.env"),
        (
            "env_file: [{path: /etc/environment, required: false}]",
            "web: env_file /etc/environment",
        ),
        ("env_file: ${HOME}/.aws/credentials", "web: env_file ${HOME}/.aws/credentials"),
        ("env_file: ~/.aws/credentials", "web: env_file ~/.aws/credentials"),
        ("label_file: /etc/environment", "web: label_file /etc/environment"),
        (
            "extends: {file: ../other/compose.yaml, service: db}",
            "web: extends ../other/compose.yaml",
        ),
        ("<<: {env_file: /etc/environment}", "web: env_file /etc/environment"),
    ],
)
def test_a_file_outside_the_version_is_a_right(root: Path, web: str, right: str) -> None:
    assert read(root, f"services:\n  web:\n    {web}\n") == {right}


def test_of_several_files_each_is_read_from_the_folder_of_the_first(root: Path) -> None:
    (root / "deploy").mkdir()
    files = [root / "compose.yaml", root / "deploy/prod.yaml"]
    files[0].write_text("services: {web: {env_file: .env}}\n")
    files[1].write_text("services: {web: {env_file: ../other/.env}, db: {env_file: db.env}}\n")

    assert compose_inputs.of(files, root) == {"web: env_file ../other/.env"}


PLACE = "!!binary L2V0Yy9lbnZpcm9ubWVudA=="
READ = "b'/etc/environment'"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (f"services: {{web: {{env_file: {PLACE}}}}}", f"web: env_file {READ}"),
        (f"services: {{web: {{env_file: [{{path: {PLACE}}}]}}}}", f"web: env_file {READ}"),
        (f"services: {{web: {{label_file: [{PLACE}]}}}}", f"web: label_file {READ}"),
        (f"services: {{web: {{extends: {{file: {PLACE}}}}}}}", f"web: extends {READ}"),
        (f"include: [{PLACE}]", f"include {READ}"),
        (f"include: [{{path: compose.yaml, env_file: {PLACE}}}]", f"include.env_file {READ}"),
        (
            f"include: [{{path: compose.yaml, project_directory: {PLACE}}}]",
            f"include.project_directory {READ}",
        ),
        (
            "services: {web: {!!binary ZW52X2ZpbGU= : /etc/environment}}",
            "compose.yaml: key b'env_file'",
        ),
        (
            "!!binary c2VydmljZXM= : {web: {env_file: /etc/environment}}",
            "compose.yaml: key b'services'",
        ),
    ],
)
def test_a_place_or_a_key_that_only_compose_reads_as_a_text_is_a_right(
    root: Path, text: str, right: str
) -> None:
    assert right in read(root, text)


@pytest.mark.parametrize(
    ("include", "right"),
    [
        ("../other/compose.yaml", "include ../other/compose.yaml"),
        ("https://git.test/a/b.git", "include https://git.test/a/b.git"),
        ("git@git.test:a/b.git", "include git@git.test:a/b.git"),
        ("{path: part.yaml, env_file: ../other/.env}", "include.env_file ../other/.env"),
        (
            "{path: part.yaml, project_directory: ../other}",
            "include.project_directory ../other",
        ),
    ],
)
def test_what_an_include_reads_outside_is_a_right(root: Path, include: str, right: str) -> None:
    (root / "part.yaml").write_text("services: {}\n")

    assert right in read(root, f"include:\n  - {include}\nservices: {{}}\n")


def test_files_are_followed_through_others_and_in_circles(root: Path) -> None:
    (root / "part").mkdir()
    (root / "part/db.yaml").write_text(
        "include: [../compose.yaml]\nservices: {db: {env_file: ../../other/.env}}\n"
    )
    (root / "base.yaml").write_text("services: {web: {env_file: /etc/environment}}\n")

    assert read(
        root,
        "include: [part/db.yaml]\nservices: {web: {extends: {file: base.yaml, service: web}}}\n",
    ) == {"db: env_file ../../other/.env", "web: env_file /etc/environment"}


def test_a_link_out_of_the_version_is_a_right_and_told_by_where_it_leads(root: Path) -> None:
    target = root.parent / "other/.env"
    (root / "a.env").symlink_to(target)
    (root / ".env").unlink()
    (root / ".env").symlink_to(target)
    text = "services: {web: {env_file: a.env}}\n"

    assert read(root, text) == {f"web: env_file a.env → {target}", f".env .env → {target}"}
    assert read(root, text, own=root / ".env") == {f"web: env_file a.env → {target}"}


def test_words_are_joined_before_links_are_followed_as_compose_does(root: Path) -> None:
    (root / "a/b/c/d").mkdir(parents=True)
    (root / "link").symlink_to("a/b/c/d")
    place = "link/../../other/.env"

    assert read(root, f"services: {{web: {{env_file: {place}}}}}\n") == {f"web: env_file {place}"}


def test_what_lies_in_the_version_is_no_right(root: Path) -> None:
    (root / "base.yaml").write_text("services: {web: {env_file: .env}}\n")
    text = """
include: [base.yaml]
services:
  web: {env_file: [.env, ./not/there.env], extends: {file: base.yaml, service: web}}
  db: {extends: web}
"""

    assert read(root, text) == set()


def test_a_file_that_cannot_be_read_is_a_right(root: Path) -> None:
    (root / "part.yaml").write_text("a: [")

    assert read(root, "include: [part.yaml]\n") == {"part.yaml, which cannot be read"}


@pytest.mark.parametrize(
    ("error", "added"),
    [
        (
            "env file /t/base/services/web.env not found.",
            " Only the working tree has web.env: git does not know it. Add it to a commit, or name"
            " a folder of the version that has it, such as --base ../main.",
        ),
        ("env file /t/base/services/other.env not found.", ""),
        ("There is no service 'web'.", ""),
    ],
)
def test_a_file_of_variables_that_no_commit_has_is_named_with_the_way_out(
    tmp_path: Path, error: str, added: str
) -> None:
    commit, tree = tmp_path / "base", tmp_path / "shop"
    for folder in (commit, tree):
        (folder / "services").mkdir(parents=True)
        text = "services: {web: {env_file: [web.env, {path: other.env}]}, db: {env_file: db.env}}"
        (folder / "services/compose.yaml").write_text(text)
    (tree / "services/web.env").write_text("TOKEN=x\n")
    tested = registry.recognise("services/compose.yaml:web", commit)

    with (
        pytest.raises(UsageError) as raised,
        compose_inputs.told_of_files_in_no_commit(tested, commit, tree),
    ):
        raise UsageError(error)

    assert str(raised.value) == f"{error}{added}"
