"""The tags of the images of a version."""

from __future__ import annotations

import pytest

from loadtests.environments.compose.tested.subject import Part
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.named_versions import Named
from loadtests.gate.tested import tags


@pytest.mark.parametrize(
    ("kind", "images", "builds"),
    [
        (
            SideKind.REF,
            ["twofold/gate-head-app:latest"] * 2 + ["twofold/gate-head-with-mail:latest"],
            [True, True, True],
        ),
        (
            SideKind.IMAGE,
            ["topic", "topic", "twofold/gate-head-with-mail:latest"],
            [False] * 2 + [True],
        ),
    ],
)
def test_a_migration_with_the_measured_image_has_the_versions_image_too(
    kind: SideKind, images: list[str], builds: list[bool]
) -> None:
    build = {"context": "."}
    parts = (
        Part(name="web", service="app", image="t-web", build=build),
        Part(name="migrate", service="with-migrate", image="t-web", build=build),
        Part(name="mail", service="with-mail", image="t-mail", build=build),
        Part(name="db", service="with-db", image="postgres:16"),
    )
    named = Named(name=SideName.HEAD, asked="topic", kind=kind)

    own = tags.of_version(parts, named)

    assert [part.image for part in own] == [*images, "postgres:16"]
    assert [part.build is not None for part in own] == [*builds, False]
