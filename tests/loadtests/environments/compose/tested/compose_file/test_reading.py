"""Reading the user's Compose file: the first cause is named, with the file and the way out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose.tested.compose_file import reading
from loadtests.environments.compose.tested.subject import Subject
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets import compose_service
from loadtests.tools import docker_compose
from loadtests.tools.docker_compose import Compose, ComposeFileError, Configured
from tests.loadtests.environments.compose.fake_engine import COMPOSE

TWO = """\
services:
  web:
    image: shop
    container_name: shop
    ports: ["8000:8000"]
    deploy: {replicas: 3}
    environment: {TOKEN: "${TOKEN}", URL: "redis://cache"}
  cache: {image: redis, profiles: [extra]}
  other: {image: x, env_file: missing.env, environment: {B: "${UNUSED}"}}
"""


class Asked:
    """Stands for Compose: refuses whole files, and takes reduced ones."""

    def __init__(self, *refusals: str, unset: tuple[str, ...] = ()) -> None:
        self.refusals = list(refusals)
        self.unset = unset
        self.files: list[dict[str, Any]] = []
        self.profiles: list[Sequence[str]] = []

    def __call__(
        self, _: Compose, files: Sequence[Path], folder: Path, profiles: Sequence[str] = ()
    ) -> Configured:
        self.files += [docker_compose.parse(file.read_text()) for file in files]
        self.profiles.append(profiles)
        if self.refusals:
            raise ComposeFileError(self.refusals.pop(0))
        return Configured(document=self.files[-1], unset=self.unset)


def read(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    asked: Asked,
    text: str = TWO,
    service: str = "web",
) -> Subject:
    path = folder / "compose.yaml"
    path.write_text(text)
    monkeypatch.setattr(docker_compose, "configured", asked)
    target = Target(
        kind=TargetKind.SERVICE,
        given=f"compose.yaml:{service}",
        name=service,
        compose_file=str(path),
        service=service,
    )
    return reading.read(COMPOSE, target)


def test_a_store_that_nothing_says_the_service_needs_is_told_as_not_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in Docker's own first example, whose code alone names the host redis."""
    text = "services: {web: {image: shop}, redis: {image: redis}, mail: {image: mailpit}}"

    told = read(monkeypatch, tmp_path, Asked(), text).notes

    assert told[-1] == (
        "Not started, since nothing says that web needs it: redis. If it does, say so by"
        " depends_on: [redis]."
    )
    assert not any(
        note.startswith("Not started") for note in read(monkeypatch, tmp_path, Asked()).notes
    )


def test_all_profiles_are_read_and_what_is_needed_comes_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = Asked()

    subject = read(monkeypatch, tmp_path, asked)

    assert asked.profiles == [("extra",)]
    assert [part.name for part in subject.needs] == ["cache"]


def test_a_service_that_the_measured_one_does_not_need_cannot_stop_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = Asked("Couldn't find env file: /srv/missing.env")

    subject = read(monkeypatch, tmp_path, asked)

    assert set(asked.files[1]["services"]) == {"web", "cache"}
    assert (
        "Compose refuses compose.yaml; it was read without other, and without what a run sets"
        " itself: Couldn't find env file: /srv/missing.env." in subject.notes
    )


def test_a_reduced_file_has_what_builds_the_image_of_another_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = """\
services:
  web: {image: shop}
  worker: {build: ./worker, image: shop, env_file: missing.env}
  other: {image: x, env_file: missing.env}
"""

    subject = read(monkeypatch, tmp_path, Asked("missing.env not found"), text)

    assert subject.measured.build == {"context": "./worker"}
    assert subject.needs == ()


def test_services_of_an_included_file_are_read_with_all_profiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Including(Asked):
        def __call__(self, *given: Any) -> Configured:
            document = super().__call__(*given).document
            return Configured(
                document={**document, "services": {**document["services"], "db": {"image": "d"}}}
            )

    text = """\
include: [db.yaml]
services:
  web: {image: shop, environment: {DB_HOST: db}}
  other: {image: x, env_file: missing.env}
"""
    asked = Including("missing.env not found")

    subject = read(monkeypatch, tmp_path, asked, text)

    assert [part.name for part in subject.needs] == ["db"]
    assert asked.profiles == [("*",), ("*",)]


@pytest.mark.parametrize(("version", "told"), [("1.29.2", True), ("2.29.1", False)])
def test_the_old_compose_is_named_where_it_refuses_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, *, told: bool
) -> None:
    monkeypatch.setattr(docker_compose, "configured", Asked("unsupported option: 'required'"))
    (tmp_path / "compose.yaml").write_text("services: {shop: {image: s}}\n")

    with pytest.raises(UsageError) as refusal:
        reading.read(
            replace(COMPOSE, version=version), compose_service.find("compose.yaml:web", tmp_path)
        )

    assert ("the Compose plugin knows newer settings" in str(refusal.value)) is told


def test_what_a_run_sets_itself_cannot_stop_it_and_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = Asked("services.deploy.replicas: can't set container_name and web")

    subject = read(monkeypatch, tmp_path, asked)

    assert not {"container_name", "ports"} & asked.files[1]["services"]["web"].keys()
    assert any(
        "container_name shop; ports 8000:8000; deploy.replicas 3" in note for note in subject.notes
    )
    assert subject.measured.ports == (8000,)


def test_several_files_are_read_together_with_all_their_profiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: shop, profiles: [a]}}\n")
    over = "services: {web: {profiles: [b], depends_on: [db]}, db: {image: postgres}}\n"
    (tmp_path / "prod.yaml").write_text(over)
    told = "services: {web: {image: shop, depends_on: [db]}, db: {image: postgres}}"
    asked: list[object] = []

    def configured(
        _: Compose, files: Sequence[Path], folder: Path, profiles: Sequence[str]
    ) -> Configured:
        asked.extend((files, folder, profiles))
        return Configured(document=docker_compose.parse(told))

    monkeypatch.setattr(docker_compose, "configured", configured)
    tested = compose_service.find("compose.yaml:prod.yaml:web", tmp_path)

    assert [part.name for part in reading.read(COMPOSE, tested).needs] == ["db"]
    files = (tmp_path / "compose.yaml", tmp_path / "prod.yaml")
    assert asked == [files, tmp_path, ("a", "b")]


def test_of_several_files_none_is_reduced_where_compose_refuses_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("compose.yaml", "prod.yaml"):
        (tmp_path / name).write_text("services: {web: {image: shop}}\n")
    monkeypatch.setattr(docker_compose, "configured", Asked("missing.env not found"))

    with pytest.raises(UsageError, match=r"Compose cannot use .*: missing\.env not found\."):
        reading.read(COMPOSE, compose_service.find("compose.yaml:prod.yaml:web", tmp_path))


def test_a_mistake_of_the_service_itself_is_told_with_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusals = ("the whole file", "env file /srv/web.env not found")

    with pytest.raises(UsageError) as refusal:
        read(monkeypatch, tmp_path, Asked(*refusals))

    assert str(refusal.value).startswith(
        f"Compose cannot use {tmp_path}/compose.yaml: env file /srv/web.env not found."
    )


def test_a_missing_env_file_is_named_with_the_example_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env.example").write_text("TOKEN=\n")
    complaint = "required variable TOKEN is missing a value"

    with pytest.raises(UsageError, match=r"there is no .*/\.env; copy \.env\.example to it"):
        read(monkeypatch, tmp_path, Asked(complaint, complaint))


def test_variables_without_a_value_are_told_if_a_started_service_uses_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    subject = read(monkeypatch, tmp_path, Asked(unset=("TOKEN", "UNUSED")))

    assert subject.unset == ("TOKEN",)
    assert any(note.startswith("Without a value, so empty: TOKEN (there") for note in subject.notes)


def test_a_service_that_does_not_exist_is_told_with_the_file_and_those_that_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as refusal:
        read(monkeypatch, tmp_path, Asked(), service="wbe")

    assert str(refusal.value) == (
        f"{tmp_path}/compose.yaml: There is no service 'wbe'. Those that exist: cache, other, web."
    )


def test_the_missing_file_of_a_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key.txt"
    text = f"services: {{web: {{image: s, secrets: [key]}}}}\nsecrets: {{key: {{file: {key}}}}}\n"

    with pytest.raises(UsageError, match=f"key of web is the file {key}, and there is no such"):
        read(monkeypatch, tmp_path, Asked(), text)

    key.touch()
    (mount,) = read(monkeypatch, tmp_path, Asked(), text).measured.definition["volumes"]
    assert mount["source"] == str(key)


def test_anchors_and_merges_are_read_also_in_a_reduced_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (
        "x-all: &all {environment: {A: '1'}}\n"
        "services: {web: {<<: *all, image: shop}, bad: {image: x}}\n"
    )
    asked = Asked("bad is bad")

    read(monkeypatch, tmp_path, asked, text)

    assert asked.files[1]["services"] == {"web": {"image": "shop", "environment": {"A": "1"}}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"services: [", "is no Compose file: line 1"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"", "Those that exist: ."),
    ],
)
def test_a_file_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "compose.yaml"
    path.write_bytes(content)
    monkeypatch.setattr(docker_compose, "configured", Asked())
    target = Target(
        kind=TargetKind.SERVICE, given="", name="web", compose_file=str(path), service="web"
    )

    with pytest.raises(UsageError, match=said):
        reading.read(COMPOSE, target)


def test_a_reduced_file_is_json_that_compose_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "services: {web: {image: shop, labels: {since: 2026-01-31}}, bad: {}}\n"
    asked = Asked("bad is bad")

    read(monkeypatch, tmp_path, asked, text)

    web = {"image": "shop", "labels": {"since": "2026-01-31"}}
    assert json.loads(json.dumps(asked.files[1], default=str)) == {"services": {"web": web}}


def test_of_a_store_a_mounted_file_stays_and_a_folder_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "couch").mkdir()
    (tmp_path / "my.ini").touch()
    text = f"""\
services:
  web: {{image: shop, depends_on: [db]}}
  db:
    image: couchdb:3
    volumes:
      - {tmp_path}/couch:/opt/couchdb/data
      - {tmp_path}/missing:/opt/couchdb/more
      - {tmp_path}/my.ini:/opt/couchdb/my.ini
"""

    subject = read(monkeypatch, tmp_path, Asked(), text)

    assert [
        (entry["type"], entry["target"]) for entry in subject.needs[0].definition["volumes"]
    ] == [
        ("volume", "/opt/couchdb/data"),
        ("volume", "/opt/couchdb/more"),
        ("bind", "/opt/couchdb/my.ini"),
    ]
