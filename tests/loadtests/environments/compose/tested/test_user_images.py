"""Building and pulling the user's images."""

from __future__ import annotations

from typing import Any, cast

import pytest

from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.environments.compose.tested.user_images import build_command, provide
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.tools.docker import Engine
from loadtests.tools.docker import images as docker_images
from loadtests.tools.docker.images import Image

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


def test_a_context_elsewhere_keeps_its_address() -> None:
    argv = build_command(a_part(build={"context": "https://example.org/shop.git"})).argv

    assert argv[-1] == "https://example.org/shop.git"
    assert argv[argv.index("--file") + 1] == "Dockerfile"


def test_a_setting_of_a_build_that_is_not_passed_on_is_told() -> None:
    with pytest.raises(UsageError, match="build section of web has privileged, which twofold"):
        build_command(a_part(build={"context": ".", "privileged": True}))


def test_an_image_that_is_there_is_not_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_images, "pull", lambda _: pytest.fail("pulled"))

    assert provided(a_part(), shop=IMAGE) == {"web": IMAGE}


def test_an_image_that_cannot_be_had_is_told_with_the_engines_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(docker_images, "pull", lambda _: "pull access denied for shop")

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
