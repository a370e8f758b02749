"""Build sections, and the services whose image another service builds."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.environments.compose.tested.compose_file.builds import build_of, builder_of

SERVICES: dict[str, Any] = {
    "web": {"build": {"context": "."}, "image": "shop"},
    "migrate": {"image": "shop", "command": "flask db upgrade"},
    "worker": {"image": "docker.io/library/shop:latest"},
    "old": {"image": "shop:1"},
    "db": {"image": "postgres:16"},
    "unnamed": {"build": "."},
}


@pytest.mark.parametrize(
    ("service", "builder"),
    [
        ("web", "web"),
        ("migrate", "web"),
        ("worker", "web"),
        ("old", None),
        ("db", None),
        ("unnamed", "unnamed"),
        ("nobody", None),
    ],
)
def test_an_image_is_built_by_the_service_that_has_its_build_section(
    service: str, builder: str | None
) -> None:
    assert builder_of(SERVICES, service) == builder


def test_an_image_is_built_for_the_services_own_platform_only() -> None:
    build = {"context": ".", "platforms": ["linux/amd64", "linux/arm64"]}

    assert build_of({"build": build}, {}) == {"context": "."}
    assert build_of({"build": build, "platform": "linux/arm64"}, {}) == {
        "context": ".",
        "platform": "linux/arm64",
    }
    assert len(build["platforms"]) == 2


def test_further_contexts_are_read_in_both_forms() -> None:
    listed = {"context": ".", "additional_contexts": ["lib=/srv/lib"]}

    made = build_of({"build": listed}, {})

    assert made["additional_contexts"] == {"lib": "/srv/lib"}
    assert build_of({"build": made}, {}) == made


def test_secrets_of_a_build_are_words_of_the_builder() -> None:
    build = {"context": ".", "secrets": ["key", {"source": "token", "target": "t"}]}
    declared = {"key": {"file": "/srv/key"}, "token": {"environment": "TOKEN"}}

    assert build_of({"build": build}, declared)["secrets"] == [
        "id=key,src=/srv/key",
        "id=t,env=TOKEN",
    ]
