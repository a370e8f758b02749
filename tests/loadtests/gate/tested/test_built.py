"""What is said of builds of a user's own target: which version failed, and where both are alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose import project_image
from loadtests.environments.compose.tested import inspection
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.tested.target import Target
from loadtests.targets import registry
from loadtests.tools.docker import images as docker_images
from loadtests.tools.docker.images import Image
from tests.loadtests.gate.test_versions import in_git
from tests.loadtests.gate.tested.test_versions import COMMAND, FakeEngine, built, checkout, gate

__all__ = ["built", "checkout"]


def test_a_base_that_does_not_build_is_said_to_be_base(
    checkout: Path, built: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its target has the name of head's, and the change would look broken."""

    def build(*_: Any, **__: Any) -> None:
        raise EnvironmentFailure("The image of shop does not build.")

    monkeypatch.setattr(docker_images, "build", build)

    with pytest.raises(EnvironmentFailure) as raised:
        gate(checkout, tmp_path / "t", registry.recognise(".", checkout))

    commit = in_git(checkout, "rev-parse", "main")[:12]
    assert str(raised.value) == (
        f"Base (ref main {commit}): The image of shop does not build.\n"
        "That is what the change is compared with. Name another: --base REF."
    )


def test_a_head_whose_application_was_renamed_is_said_to_be_head(
    checkout: Path, built: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inspect(image: str, tested: Target, *_: Any, **__: Any) -> Target:
        if "gate-head" in image:
            raise UsageError("No module named 'shop'.")
        return tested

    monkeypatch.setattr(project_image, "inspect", inspect)

    with pytest.raises(UsageError, match=r"^Head \(working tree\): No module named 'shop'\.$"):
        gate(checkout, tmp_path / "t", registry.recognise("shop:app", checkout))


@pytest.fixture
def one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """All builds give one image."""
    image = Image(id="sha256:one", ports=(5000,), command=COMMAND)
    monkeypatch.setattr(FakeEngine, "image", lambda *_: image)


@pytest.mark.usefixtures("one_image", "built")
def test_a_change_that_leaves_the_image_as_it_is_changes_nothing(
    checkout: Path, tmp_path: Path
) -> None:
    tested = registry.recognise(".", checkout)

    assert gate(checkout, tmp_path / "a", tested).identical
    assert not gate(checkout, tmp_path / "b", tested, base=str(checkout)).identical


@pytest.mark.usefixtures("one_image", "built")
@pytest.mark.parametrize(("workers", "expected"), [(2, True), (4, False)])
def test_a_service_that_is_started_otherwise_is_a_change(
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    *,
    expected: bool,
) -> None:
    def inspect(tested: Target, *_: Any) -> Subject:
        text = Path(tested.compose_file or "").read_text()
        part = Part(
            name="web",
            service="app",
            image="a",
            build={"context": tested.folder},
            definition={"environment": {"WORKERS": text.rpartition("# ")[2]}},
        )
        return Subject(measured=part)

    monkeypatch.setattr(inspection, "inspect", inspect)
    file = checkout / "compose.yaml"
    file.write_text("services: {web: {build: .}}\n# 2")
    in_git(checkout, "add", "--all")
    in_git(checkout, "commit", "--quiet", "--message", "two")
    file.write_text(f"services: {{web: {{build: .}}}}\n# {workers}")
    (checkout / "README").write_text("changed, too")

    sides = gate(checkout, tmp_path / "t", registry.recognise("compose.yaml:web", checkout))

    assert sides.identical is expected
