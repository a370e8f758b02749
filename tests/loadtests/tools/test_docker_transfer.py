from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import NotFound

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools.docker import connection, transfer

IMAGE = "sha256:0123456789abcdef"
DIGEST = "registry.example/shop@sha256:fedcba"


class Images:
    """The images of an engine: their digests by their ids, and what a registry gives for one."""

    def __init__(self, have: Mapping[str, list[str]], registry: Mapping[str, str]) -> None:
        self.have = dict(have)
        self.registry = registry
        self.asked: list[str] = []

    def get(self, image: str) -> SimpleNamespace:
        if image not in self.have:
            raise NotFound("no such image")
        return SimpleNamespace(id=image, attrs={"RepoDigests": self.have[image]})

    def pull(self, digest: str) -> None:
        self.asked.append(digest)
        if digest not in self.registry:
            raise NotFound("no such manifest")
        self.have[self.registry[digest]] = [digest]


def engines(monkeypatch: pytest.MonkeyPatch, **of: Images) -> None:
    def connected(host: str, **_: Any) -> SimpleNamespace:
        images = of[host]
        api = SimpleNamespace(
            get_image=lambda image: image,
            load_image=lambda image: images.have.update({image: []}),
        )
        return SimpleNamespace(images=images, api=api, close=lambda: None)

    monkeypatch.setattr(connection, "connected", connected)


@pytest.mark.parametrize(
    ("digests", "registry", "pulled"),
    [
        ([DIGEST], {DIGEST: IMAGE}, True),
        (["gone@sha256:1", DIGEST], {DIGEST: IMAGE}, True),
        ([DIGEST], {}, False),  # the node has no way to the registry
        ([DIGEST], {DIGEST: "sha256:another store's id"}, False),
        ([], {DIGEST: IMAGE}, False),  # built here
    ],
)
def test_an_image_is_pulled_by_its_digest_where_that_gives_the_same_id(
    monkeypatch: pytest.MonkeyPatch, digests: list[str], registry: dict[str, str], pulled: bool
) -> None:
    node = Images({}, registry)
    engines(monkeypatch, builder=Images({IMAGE: digests}, {}), node=node)

    assert transfer.pull_image(IMAGE, "builder", "node") is pulled
    assert (IMAGE in node.have) is pulled
    assert node.asked == digests


def test_an_image_is_copied_from_engine_to_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Images({}, {})
    engines(monkeypatch, builder=Images({IMAGE: []}, {}), node=node)

    transfer.copy_image(IMAGE, "builder", "node")

    assert IMAGE in node.have


def test_an_engine_that_gives_it_another_id_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(Images):
        def get(self, image: str) -> SimpleNamespace:
            raise NotFound(f"no {image}")

    engines(monkeypatch, builder=Images({IMAGE: []}, {}), node=Other({}, {}))

    with pytest.raises(EnvironmentFailure, match="at node gave the image sha256:0123456789ab"):
        transfer.copy_image(IMAGE, "builder", "node")
