import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from loadtests.environments.compose import images
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import docker, proc
from tests.checkout import CHECKOUT

ROOT = Path("/a/checkout")


class FakeEngine:
    """An engine that has some images."""

    def __init__(self, *has: str) -> None:
        self._has = has
        self.id = "sha256"

    def image_id(self, image: str) -> str | None:
        return f"{self.id}:{image}" if image in self._has else None

    def remove_unused(self, image: str) -> None:
        """Nothing needs it."""


OWN = (images.APP, images.PROXY, images.GENERATOR, images.STORE)


def an_engine(*has: str) -> docker.Engine:
    return cast("docker.Engine", FakeEngine(*has))


def ignore(_: str) -> None:
    """Nobody listens."""


@pytest.fixture(autouse=True)
def no_base_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWOFOLD_BASE_IMAGE", raising=False)


def script_says(monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[tuple[str, ...]]:
    ran: list[tuple[str, ...]] = []

    def run(
        argv: Sequence[str], *, timeout_s: float, grace_s: float, on_line: Callable[[str], None]
    ) -> None:
        assert timeout_s > 0
        assert grace_s > 0  # what debootstrap has mounted must be unmounted
        ran.append(tuple(argv))
        for line in lines:
            on_line(line)

    monkeypatch.setattr(proc, "run", run)
    return ran


# -- the base ----------------------------------------------------------------------------------


def test_the_base_that_is_named_is_taken_where_it_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "own:1")

    assert images.base_image(an_engine("own:1"), ROOT, say=ignore) == "own:1"


def test_the_base_that_is_named_is_pulled_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "own:1")
    monkeypatch.setattr(docker, "pull", lambda image: image == "own:1")

    assert images.base_image(an_engine(), ROOT, say=ignore) == "own:1"


def test_a_named_base_that_cannot_be_had_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "own:1")
    monkeypatch.setattr(docker, "pull", lambda _: False)

    with pytest.raises(EnvironmentFailure, match=r"'own:1' \(TWOFOLD_BASE_IMAGE\) does not exist"):
        images.base_image(an_engine(), ROOT, say=ignore)


def test_else_the_script_chooses_and_its_progress_is_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = script_says(monkeypatch, "Asking the registry", "Making one", "twofold/base:trixie")
    said: list[str] = []

    base = images.base_image(an_engine(), ROOT, say=said.append)

    assert base == "twofold/base:trixie"
    assert said == ["Asking the registry", "Making one"]
    assert ran == [proc.tied((sys.executable, "/a/checkout/scripts/base_image.py"))]


SCRIPT = """
import os, signal, sys, time
from pathlib import Path

mark = Path(__file__).with_name("cleared")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(mark.touch()))
print("made", flush=True)
print("more", flush=True)
time.sleep(60)
"""
"""Stands for the script that makes a base image; it clears up when it is asked to end."""

MAKER = """
import sys
from pathlib import Path
from loadtests.environments.compose import images
images.made_base(Path(sys.argv[1]), (), say=lambda line: print(line, flush=True))
"""


@pytest.mark.skipif(proc.which("setpriv") is None, reason="needs setpriv (util-linux)")
def test_the_making_of_a_base_image_clears_up_when_the_harness_is_killed(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/base_image.py").write_text(SCRIPT)
    argv = (sys.executable, "-c", MAKER, str(tmp_path))
    with proc.Child(argv, log=tmp_path / "log", cwd=CHECKOUT) as harness:
        assert harness.receive(30).strip() == "made"
        harness.signal(signal.SIGKILL)

        proc.wait_until(
            (tmp_path / "scripts/cleared").exists, limit_s=10, failure="it was not asked to end"
        )


def test_no_base_at_all_is_one_message_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ProcessFailure("`base_image.py` ended with code 1", output="debootstrap is missing")

    monkeypatch.setattr(proc, "run", fail)

    with pytest.raises(
        EnvironmentFailure, match=r"(?s)debootstrap is missing.*TWOFOLD_BASE_IMAGE="
    ):
        images.base_image(an_engine(), ROOT, say=ignore)


# -- the stack's images ------------------------------------------------------------------------


def test_the_three_images_are_built_from_one_base(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[tuple[str, ...]] = []

    def build(argv: Sequence[str], *, what: str, on_line: object) -> None:
        assert what.startswith("the ")
        built.append(tuple(argv))

    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "own:1")
    monkeypatch.setattr(docker, "build", build)
    said: list[str] = []

    found = images.build_all(an_engine("own:1", *OWN), ROOT, say=said.append)

    assert [argv[argv.index("--tag") + 1] for argv in built] == [
        images.APP,
        images.PROXY,
        images.GENERATOR,
    ]
    assert all("BASE_IMAGE=own:1" in argv for argv in built)
    assert said == [f"Building the image of the {what}" for what in ("app", "proxy", "generator")]
    assert found.digests == {
        "own:1": "sha256:own:1",
        images.APP: f"sha256:{images.APP}",
        images.PROXY: f"sha256:{images.PROXY}",
        images.GENERATOR: f"sha256:{images.GENERATOR}",
    }


def test_images_are_used_by_their_ids_since_another_build_may_move_a_tag(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    builds = iter(("first", "second", "third", "another checkout's"))
    engine = FakeEngine("own:1", *OWN)
    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "own:1")
    monkeypatch.setattr(docker, "build", lambda *_, **__: setattr(engine, "id", next(builds)))

    found = images.build_all(cast("docker.Engine", engine), ROOT, say=ignore)
    engine.id = next(builds)

    assert (found.app, found.proxy, found.generator) == (
        f"first:{images.APP}",
        f"second:{images.PROXY}",
        f"third:{images.GENERATOR}",
    )


def test_an_image_that_is_removed_after_its_build_is_one_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "own:1")
    monkeypatch.setattr(docker, "build", lambda *_, **__: None)

    with pytest.raises(EnvironmentFailure, match="'twofold/app:latest' was removed after"):
        images.build_all(an_engine("own:1"), ROOT, say=ignore)


def test_a_gates_services_are_used_by_their_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "own:1")
    monkeypatch.setattr(docker, "build", lambda *_, **__: None)

    found = images.build_services(an_engine("own:1", *OWN), ROOT, say=ignore)

    assert found == images.ServiceImages(
        proxy=f"sha256:{images.PROXY}", generator=f"sha256:{images.GENERATOR}"
    )


def test_what_is_built_is_in_the_checkout() -> None:
    root = CHECKOUT

    for dockerfile in ("app", "compose/proxy", "compose/generator"):
        assert (root / dockerfile / "Dockerfile").is_file()


@pytest.mark.parametrize("with_store", [False, True])
def test_a_store_is_only_built_where_the_stack_has_one(
    monkeypatch: pytest.MonkeyPatch, with_store: bool
) -> None:
    built: list[str] = []
    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "own:1")
    monkeypatch.setattr(docker, "build", lambda argv, **_: built.append(argv[3]))

    found = images.build_all(an_engine("own:1", *OWN), ROOT, say=ignore, with_store=with_store)

    assert built == [images.APP, images.PROXY, images.GENERATOR, *[images.STORE] * with_store]
    assert found.store == (f"sha256:{images.STORE}" if with_store else None)
    assert set(found.digests) == {"own:1", *built}


def test_another_image_of_the_application_is_used_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[str] = []
    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "own:1")
    monkeypatch.setattr(docker, "build", lambda argv, **_: built.append(argv[3]))

    found = images.build_all(
        an_engine("own:1", "shop:1", *OWN), ROOT, say=ignore, app_image="shop:1"
    )

    assert built == [images.PROXY, images.GENERATOR]
    assert found.app == "sha256:shop:1"
    assert found.digests["shop:1"] == "sha256:shop:1"
    assert set(found.digests) == {"own:1", "shop:1", *built}


def test_an_image_of_the_application_that_cannot_be_had_is_one_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "own:1")
    monkeypatch.setattr(docker, "pull", lambda _: False)

    with pytest.raises(EnvironmentFailure, match=r"'shop:1' does not exist and cannot be pulled"):
        images.build_all(an_engine("own:1"), ROOT, say=ignore, app_image="shop:1")


class TaggedEngine:
    """An engine whose tags move; it notes which images it is asked to remove."""

    def __init__(self, **tags: str) -> None:
        self.tags = tags
        self.removed: list[str] = []

    def image_id(self, tag: str) -> str | None:
        return self.tags.get(tag)

    def remove_unused(self, image: str) -> None:
        self.removed.append(image)


@pytest.mark.parametrize(
    ("before", "after", "removed"),
    [
        ({}, "sha256:1", []),
        ({"app": "sha256:1"}, "sha256:1", []),
        ({"app": "sha256:1"}, "sha256:2", ["sha256:1"]),
    ],
)
def test_the_image_that_lost_its_tag_to_a_build_is_removed(
    before: dict[str, str], after: str, removed: list[str]
) -> None:
    engine: Any = TaggedEngine(**before)

    with images.replacing(engine, "app"):
        engine.tags["app"] = after

    assert engine.removed == removed


def test_a_build_that_fails_removes_nothing() -> None:
    engine: Any = TaggedEngine(app="sha256:1")

    with pytest.raises(EnvironmentFailure), images.replacing(engine, "app"):
        raise EnvironmentFailure("it does not build")

    assert engine.removed == []
