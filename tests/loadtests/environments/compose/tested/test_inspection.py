"""What is seen of a target before anything is planned or started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest

from loadtests.environments.compose.tested import inspection, user_images
from loadtests.environments.compose.tested.compose_file import reading
from loadtests.environments.compose.tested.subject import Part, Subject, tag_of
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.tools.docker import Engine
from loadtests.tools.docker.images import Image
from tests.loadtests.environments.compose.fake_engine import COMPOSE


class Registry:
    """An engine without images, and what its registry says."""

    def __init__(self, *, why: str | None = None, has: bool = False) -> None:
        self._why = why
        self._image = Image(id="i") if has else None

    def image(self, _: str) -> Image | None:
        return self._image

    def why_not_pulled(self, _: str) -> str | None:
        return self._why


def inspect(target: Target, registry: Registry | None = None) -> Subject | None:
    return inspection.inspect(target, cast("Engine", registry or Registry()), COMPOSE)


def an_image(name: str = "shop:1", **fields: object) -> Target:
    return Target(
        kind=TargetKind.IMAGE,
        given=name,
        name=name,
        image=name,
        **fields,  # type: ignore[arg-type]
    )


def test_the_sample_application_is_ours() -> None:
    assert inspect(SAMPLE) is None
    assert inspection.seen(SAMPLE, None) is SAMPLE


@pytest.mark.parametrize("registry", [Registry(has=True), Registry(why=None)])
def test_an_image_is_on_the_engine_or_can_be_pulled(registry: Registry) -> None:
    subject = inspect(an_image(), registry)

    assert subject is not None
    assert subject.measured.image == "shop:1"


def test_a_word_that_is_neither_file_nor_module_nor_image_is_one_message() -> None:
    with pytest.raises(UsageError) as refusal:
        inspect(an_image("shpo"), Registry(why="denied: requested access"))

    assert str(refusal.value).startswith(
        "There is no target 'shpo': no file, folder or Compose service of this name, no such image"
        " on the engine, and no registry gives one (denied: requested access)."
    )


def test_the_targets_variables_win_and_are_hidden() -> None:
    subject = inspect(an_image(env={"TOKEN": "s3cret"}), Registry(has=True))

    assert subject is not None
    assert subject.measured.definition["environment"] == {"TOKEN": "${TWOFOLD_VALUE_1}"}
    assert subject.values == {"TWOFOLD_VALUE_1": "s3cret"}


def a_dockerfile(folder: Path, text: str, **fields: Any) -> Target:
    file = folder / "Dockerfile"
    file.write_text(text)
    return Target(
        kind=TargetKind.DOCKERFILE,
        given=".",
        name="shop",
        folder=str(folder),
        dockerfile=str(file),
        **fields,
    )


def test_a_dockerfile_is_built_from_its_folder_under_a_name_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    target = a_dockerfile(tmp_path, "FROM scratch\n")

    subject = inspect(target)

    assert subject is not None
    assert subject.measured.build == {"context": str(tmp_path), "dockerfile": str(file)}
    assert subject.measured.image == f"{tag_of(file)}:latest"


def test_what_is_seen_is_told_with_the_target() -> None:
    subject = Subject(
        measured=Part(name="web", service="web", image="s"),
        needs=(Part(name="db", service="with-db", image="p"),),
        notes=("Started once: db.",),
    )

    target = inspection.seen(an_image(notes=("first",)), subject)

    assert target.needs == ("db",)
    assert target.notes == ("first", "Started once: db.", inspection.LIMITS, inspection.NO_WAY_OUT)


def test_a_target_that_is_not_for_containers_is_told() -> None:
    with pytest.raises(UsageError, match="running already"):
        inspect(Target(kind=TargetKind.URL, given="x", name="x"))


def an_import_string(folder: Path) -> Target:
    return Target(kind=TargetKind.IMPORT_STRING, given="shop", name="shop", folder=str(folder))


def test_a_pipfile_that_is_not_read_is_told_before_the_image_is_made(tmp_path: Path) -> None:
    (tmp_path / "Pipfile").write_text("")

    subject = inspect(an_import_string(tmp_path))

    assert subject is not None
    assert "Its Pipfile is not read: pipenv requirements > requirements.txt." in subject.notes[0]


@pytest.mark.parametrize(
    ("file", "note"),
    [
        ("requirements.txt", "The image is made from {} and its requirements.txt."),
        ("README", "The image is made from {}, which names no requirements: servers are added."),
    ],
)
def test_of_an_import_string_it_is_told_what_its_image_is_made_from(
    tmp_path: Path, file: str, note: str
) -> None:
    (tmp_path / file).write_text("flask\n")
    target = an_import_string(tmp_path)

    subject = inspect(target)

    assert inspection.seen(target, subject).notes == (
        note.format(tmp_path),
        inspection.OWN_SERVER,
        inspection.NO_WAY_OUT,
    )


def test_a_folder_of_10_gb_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    with (tmp_path / "dump.sql").open("wb") as file:
        os.truncate(file.fileno(), 10 * 10**9)

    with pytest.raises(UsageError, match=r"dump\.sql \(10000 MB\).*\.dockerignore"):
        inspect(an_import_string(tmp_path))


def test_a_folder_to_build_from_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    part = Part(name="web", service="web", image="s", build={"context": str(tmp_path / "gone")})
    monkeypatch.setattr(reading, "read", lambda *_: Subject(measured=part))

    with pytest.raises(UsageError, match=r"web is built from .*/gone, and there is no such folder"):
        inspect(Target(kind=TargetKind.SERVICE, given="", name="web"))


def test_a_dockerfile_gets_its_arguments_and_its_stage_without_a_value_on_the_command_line(
    tmp_path: Path,
) -> None:
    target = a_dockerfile(
        tmp_path,
        "FROM scratch AS production\nFROM scratch AS test\n",
        build_args={"TOKEN": "s3cret"},
        build_target="production",
    )

    subject = inspect(target)

    assert subject is not None
    command = user_images.build_command(subject.measured)
    assert command.argv[command.argv.index("--target") + 1] == "production"
    assert command.argv[command.argv.index("--build-arg") + 1] == "TOKEN"
    assert command.env == {"TOKEN": "s3cret"}
