"""Building and pulling the user's images."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.environments.compose.tested.user_images import build_command, provide
from loadtests.model.errors import EnvironmentFailure, ProcessFailure, UsageError
from loadtests.tools import proc
from loadtests.tools.docker import Engine
from loadtests.tools.docker import images as docker_images
from loadtests.tools.docker.images import Image
from scripts.reliability import hostile_head

IMAGE = Image(id="i", command=("x",))


def a_part(**fields: Any) -> Part:
    return Part(**{"name": "web", "service": "app", "image": "shop:1", **fields})


class Images:
    """An engine that has these images."""

    def __init__(self, **images: Image) -> None:
        self.images = images

    def image(self, name: str) -> Image | None:
        return self.images.get(name.partition(":")[0])

    def image_id(self, name: str) -> str | None:
        image = self.image(name)
        return None if image is None else image.id


def provided(part: Part, **images: Image) -> dict[str, Image]:
    return provide(cast("Engine", Images(**images)), Subject(measured=part), lambda _: None)


def test_arguments_reach_the_builder_by_its_environment_and_are_in_no_message() -> None:
    part = a_part(
        build={
            "context": "/srv/shop",
            "dockerfile": "docker/Dockerfile",
            "target": "prod",
            "args": {"TOKEN": "s3cret", "FROM_HERE": None},
            "extra_hosts": {"pypi": "10.0.0.1"},
            "secrets": ["id=key,src=/srv/key"],
        }
    )

    command = build_command(part)

    assert command.argv == (
        *("docker", "build", "--tag", "shop:1", "--force-rm"),
        *("--file", "/srv/shop/docker/Dockerfile"),
        *("--build-arg", "TOKEN", "--build-arg", "FROM_HERE"),
        *("--label", "io.twofold.target=web", "--target", "prod"),
        *("--add-host", "pypi:10.0.0.1", "--secret", "id=key,src=/srv/key", "/srv/shop"),
    )
    assert command.env == {"TOKEN": "s3cret"}


def test_no_argument_of_a_build_steers_the_program_that_carries_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    arguments = hostile_head.steering(theirs)
    (ours / "docker").write_text(f'#!/bin/sh\nprintf "%s\\n" "$HOME" "$@" > {tmp_path}/heard\n')
    (ours / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{ours}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", "/home/of/the/user")

    provided(a_part(build={"context": "/srv", "args": arguments}), shop=IMAGE)

    hostile_head.hold_to_not_run(theirs)
    heard = (tmp_path / "heard").read_text().splitlines()
    assert heard[0] == "/home/of/the/user"
    for name, value in arguments.items():
        assert f"{name}={value}" in heard


def test_a_message_has_no_argument_that_was_among_the_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(argv: Sequence[str], **_: object) -> None:
        raise ProcessFailure(f"`setpriv {shlex.join(argv)}` did not end in 900 s.")

    monkeypatch.setattr(proc, "run", run)

    with pytest.raises(EnvironmentFailure) as error:
        provided(a_part(build={"context": "/srv", "args": {"WHO": "ada's s3cret"}}))

    assert "s3cret" not in str(error.value)
    assert str(error.value).count("--build-arg WHO ") == 2


def test_a_context_elsewhere_keeps_its_address() -> None:
    argv = build_command(a_part(build={"context": "https://example.org/shop.git"})).argv

    assert argv[-1] == "https://example.org/shop.git"
    assert argv[argv.index("--file") + 1] == "Dockerfile"


def test_a_setting_of_a_build_that_is_not_passed_on_is_told() -> None:
    with pytest.raises(UsageError, match="build section of web has privileged, which twofold"):
        build_command(a_part(build={"context": ".", "privileged": True}))


def test_an_image_that_is_there_is_not_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_images, "pull", lambda *_, **__: pytest.fail("pulled"))

    assert provided(a_part(), shop=IMAGE) == {"web": IMAGE}


def test_an_image_that_cannot_be_had_is_told_with_the_engines_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(docker_images, "pull", lambda *_, **__: "pull access denied for shop")

    with pytest.raises(
        EnvironmentFailure, match=r"'shop:1' of web .*: pull access denied for shop"
    ):
        provided(a_part())


def test_an_image_that_starts_nothing_is_told_unless_the_service_has_a_command() -> None:
    empty = Image(id="i")

    with pytest.raises(EnvironmentFailure, match=r"neither CMD nor ENTRYPOINT"):
        provided(a_part(), shop=empty)
    assert provided(a_part(definition={"command": "x"}), shop=empty) == {"web": empty}


def test_a_build_is_told_and_gets_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(docker_images, "build", lambda _, what, **__: built.append(what))

    provided(a_part(build={"context": "/srv"}), shop=IMAGE)

    assert built == ["web"]


def test_an_image_that_several_services_have_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(docker_images, "build", lambda _, what, **__: built.append(what))
    web = a_part(build={"context": "/srv"})
    subject = Subject(measured=web, needs=(replace(web, name="migrate"),))

    images = provide(cast("Engine", Images(shop=IMAGE)), subject, lambda _: None)

    assert built == ["web"]
    assert images == {"web": IMAGE, "migrate": IMAGE}


def test_a_service_for_another_kind_of_processor_is_built_and_pulled_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pulled: list[str | None] = []
    engine = Images()

    def pull(_: str, *, platform: str | None) -> None:
        pulled.append(platform)
        engine.images["shop"] = IMAGE

    monkeypatch.setattr(docker_images, "pull", pull)

    argv = build_command(a_part(build={"context": "/srv", "platform": "linux/arm64"})).argv
    part = a_part(definition={"platform": "linux/amd64"})
    provide(cast("Engine", engine), Subject(measured=part), lambda _: None)

    assert argv[argv.index("--platform") + 1] == "linux/arm64"
    assert pulled == ["linux/amd64"]


def test_a_build_that_fails_is_told_with_its_context(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> None:
        raise ProcessFailure("code 1", output="no such file")

    monkeypatch.setattr(proc, "run", run)

    with pytest.raises(EnvironmentFailure, match="of web does not build from the context /srv"):
        provided(a_part(build={"context": "/srv"}))


def test_a_dockerfile_in_the_build_section_is_a_file_while_it_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    def build(argv: Sequence[str], **_: object) -> None:
        read.append(Path(argv[argv.index("--file") + 1]).read_text())
        assert argv[-1] == "/srv"

    monkeypatch.setattr(docker_images, "build", build)

    provided(a_part(build={"context": "/srv", "dockerfile_inline": "FROM shop\n"}), shop=IMAGE)

    assert read == ["FROM shop\n"]


def test_further_contexts_of_a_build_are_passed_on_but_for_other_services() -> None:
    build = {"context": "/srv", "additional_contexts": {"lib": "/srv/lib"}, "sbom": True}

    argv = build_command(a_part(build=build)).argv

    assert argv[argv.index("--build-context") + 1] == "lib=/srv/lib"
    with pytest.raises(UsageError, match="has additional_contexts of another service"):
        build_command(a_part(build={**build, "additional_contexts": {"lib": "service:base"}}))
