"""How both versions of a user's own target are found and built; nothing is really built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose import images, project_image
from loadtests.environments.compose.tested import inspection
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.gate import named_versions
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.options import GateOptions
from loadtests.gate.tested import versions
from loadtests.gate.tested.versions import Workshop
from loadtests.gate.versions import Sides
from loadtests.model.errors import UsageError
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.targets import plain, registry
from loadtests.tools import docker
from loadtests.tools.docker import images as docker_images
from loadtests.tools.docker.images import Image
from tests.checkout import CHECKOUT
from tests.loadtests.environments.compose.fake_engine import COMPOSE
from tests.loadtests.gate.test_versions import in_git

NOTHING: dict[SideName, dict[str, str]] = {SideName.BASE: {}, SideName.HEAD: {}}
COMMAND = ("gunicorn", "shop:app")


class FakeEngine:
    """An engine with images by name; each id tells the name."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)

    def image(self, name: str) -> Image | None:
        if name.removeprefix("sha256:") not in self.names:
            return None
        return Image(id=f"sha256:{name.removeprefix('sha256:')}", ports=(5000,), command=COMMAND)

    def image_id(self, name: str) -> str | None:
        image = self.image(name)
        return None if image is None else image.id

    def why_not_pulled(self, name: str) -> str | None:
        return None if name in self.names else "no such image"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    in_git(folder, "init", "--quiet")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . .\n")
    (folder / "shop.py").write_text("app = 1\n")
    in_git(folder, "add", "--all")
    in_git(folder, "commit", "--quiet", "--message", "one")
    (folder / "shop.py").write_text("app = 2\n")
    return folder


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What was built: the source of ``shop.py`` by the image's tag."""
    sources: dict[str, str] = {}

    def build(argv: Sequence[str], **_: Any) -> None:
        sources[argv[argv.index("--tag") + 1]] = (Path(argv[-1]) / "shop.py").read_text()

    def build_project(_: Any, __: Path, tested: Target, **given: Any) -> str:
        sources[given["tag"]] = (Path(tested.folder or "") / "shop.py").read_text()
        return f"sha256:{given['tag']}"

    def command(worker: WorkerModel, _: Target, **__: Any) -> Any:
        return worker.name

    monkeypatch.setattr(docker_images, "build", build)
    monkeypatch.setattr(docker, "pull", lambda _: False)
    monkeypatch.setattr(project_image, "build", build_project)
    monkeypatch.setattr(project_image, "inspect", lambda _, tested, __, **___: tested)
    monkeypatch.setattr(project_image, "command", command)
    monkeypatch.setattr(images, "base_image", lambda *_, **__: "base:1")
    return sources


ALL_IMAGES = (
    *("twofold/gate-base-app:latest", "twofold/gate-head-app:latest"),
    *("shop:1", "shop:2"),
)


def gate(folder: Path, temporary: Path, tested: Target, **options: Any) -> Sides:
    temporary.mkdir()
    worker = "gthread" if tested.kind is TargetKind.IMPORT_STRING else plain.AS_STARTED
    given: dict[str, Any] = {
        "project": plain.project(tested),
        "workers": (worker,),
        "workload": "requests",
        "base": "main",
    }
    asked = GateOptions(**{**given, **options})
    engine: Any = FakeEngine(*ALL_IMAGES)
    shop = Workshop(
        engine=engine,
        compose=COMPOSE,
        root=CHECKOUT,
        here=folder,
        folder=folder,
        temporary=temporary,
        say=lambda _: None,
        start_limit_s=asked.start_limit_s,
    )
    return versions.build(shop, named_versions.find_both(engine, folder, asked), asked, NOTHING)


def test_each_version_is_built_by_its_own_dockerfile_from_its_own_files(
    checkout: Path, built: dict[str, str], tmp_path: Path
) -> None:
    tested = registry.recognise(".", checkout)
    sides = gate(checkout, tmp_path / "t", tested)

    assert built == {
        "twofold/gate-base-app:latest": "app = 1\n",
        "twofold/gate-head-app:latest": "app = 2\n",
    }
    assert sides.base.digest == "sha256:twofold/gate-base-app:latest"
    assert sides.base.commit == in_git(checkout, "rev-parse", "main")
    assert "changed: shop.py" in sides.differences
    assert sides.prepared[SideName.HEAD].subject.measured.image == sides.head.digest
    assert sides.prepared[SideName.HEAD].commands == {}


def test_a_change_of_the_number_of_workers_alone_is_said_not_to_be_compared(
    checkout: Path, built: dict[str, str], tmp_path: Path
) -> None:
    file = checkout / "twofold.toml"
    file.write_text("[variants]\nsync-2 = {worker = 'sync', processes = 2}\n")
    in_git(checkout, "add", "--all")
    in_git(checkout, "commit", "--quiet", "--message", "two workers")
    file.write_text("[variants]\nsync-2 = {worker = 'sync', processes = 4}\n")

    sides = gate(checkout, tmp_path / "t", registry.recognise("shop:app", checkout))

    (remark,) = sides.remarks
    assert remark.startswith("The configuration of base is another in variants. Both versions")


def test_files_that_an_earlier_step_made_are_said_to_be_heads_alone(
    checkout: Path, built: dict[str, str], tmp_path: Path
) -> None:
    (checkout / ".gitignore").write_text("static/\n")
    (checkout / "new.py").write_text("")
    in_git(checkout, "add", "--all")
    (checkout / "static").mkdir()
    (checkout / "static/app.js").write_text("")
    tested = registry.recognise(".", checkout)

    (remark,) = gate(checkout, tmp_path / "t", tested).remarks

    assert remark.startswith("Files of head are not in git (1), such as static/app.js, and base is")
    (checkout / ".dockerignore").write_text("static/\n")
    in_git(checkout, "add", ".dockerignore")
    assert gate(checkout, tmp_path / "again", tested).remarks == ()


def test_an_import_string_becomes_an_image_of_each_versions_files(
    checkout: Path, built: dict[str, str], tmp_path: Path
) -> None:
    sides = gate(checkout, tmp_path / "t", registry.recognise("shop:app", checkout))

    assert set(built.values()) == {"app = 1\n", "app = 2\n"}
    commands: Any = {side: dict(entry.commands) for side, entry in sides.prepared.items()}
    assert commands == {side: {"gthread": "gthread"} for side in SideName}


def test_a_change_from_one_interface_to_the_other_is_refused_with_what_works(
    checkout: Path, built: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen(image: str, tested: Target, *_: Any, **__: Any) -> Target:
        is_head = "gate-head" in image
        return replace(tested, interface=Interface.ASGI if is_head else Interface.WSGI)

    monkeypatch.setattr(project_image, "inspect", seen)
    tested = replace(registry.recognise("shop:app", checkout), interface=Interface.ASGI)

    with pytest.raises(UsageError) as refused:
        gate(checkout, tmp_path / "t", tested, workers=("uvicorn",))

    told = str(refused.value)
    assert told.startswith("Base (ref main ")
    assert (
        "): shop:app is a WSGI application, and the variant uvicorn serves only asynchronous ones"
        " (ASGI)."
    ) in told
    assert "Dockerfiles or images that start their own servers." in told


def test_two_variants_are_built_of_one_version(
    checkout: Path, built: dict[str, str], tmp_path: Path
) -> None:
    tested = registry.recognise("shop:app", checkout)
    sides = gate(checkout, tmp_path / "t", tested, base=None, variants=("gthread", "sync"))

    assert set(built.values()) == {"app = 2\n"}
    commands: Any = {side: dict(entry.commands) for side, entry in sides.prepared.items()}
    assert commands == {
        SideName.BASE: {"gthread": "gthread"},
        SideName.HEAD: {"sync": "sync"},
    }
    assert sides.base.kind is SideKind.PATH


def test_images_are_taken_as_they_are(
    checkout: Path, built: dict[str, str], tmp_path: Path
) -> None:
    tested = registry.named(TargetKind.IMAGE, "shop:2", checkout)
    options = {"base": None, "base_image": "shop:1", "head_image": "shop:2"}
    sides = gate(checkout, tmp_path / "t", tested, **options)

    assert built == {}
    assert (sides.base.digest, sides.head.digest) == ("sha256:shop:1", "sha256:shop:2")
    assert (sides.base.port, sides.base.kind) == (5000, SideKind.IMAGE)


def test_an_image_can_be_compared_with_what_a_dockerfile_builds(
    checkout: Path, built: dict[str, str], tmp_path: Path
) -> None:
    tested = registry.recognise(".", checkout)
    sides = gate(checkout, tmp_path / "t", tested, base=None, base_image="shop:1")

    assert set(built) == {"twofold/gate-head-app:latest"}
    assert sides.base.digest == "sha256:shop:1"


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ("shop:app", {"base": None, "base_image": "shop:1"}, "Name two images"),
        (".", {"base": None, "base_image": "shop:9"}, "--base-image 'shop:9': Docker neither has"),
        (".", {"base": "v9"}, "--base 'v9' is neither a folder"),
    ],
)
def test_versions_that_cannot_be_compared_are_one_message(
    checkout: Path,
    built: dict[str, str],
    tmp_path: Path,
    given: str,
    options: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(UsageError, match=said):
        gate(checkout, tmp_path / "t", registry.recognise(given, checkout), **options)


@pytest.mark.parametrize("own", ["env_file: /etc/environment", "env_file: ../other/.env"])
def test_a_file_of_this_machine_is_refused_before_compose_reads_it(
    checkout: Path,
    built: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own: str,
) -> None:
    read: list[str] = []

    def inspect(tested: Target, *_: Any) -> Subject:
        read.append(Path(tested.compose_file or "").read_text())
        folder = Path(tested.folder or "")
        part = Part(name="web", service="app", image="a", build={"context": str(folder)})
        return Subject(measured=part)

    monkeypatch.setattr(inspection, "inspect", inspect)
    file = checkout / "compose.yaml"
    file.write_text("services: {web: {build: .}}\n")
    in_git(checkout, "add", "--all")
    in_git(checkout, "commit", "--quiet", "--message", "two")
    file.write_text(f"services: {{web: {{build: ., {own}}}}}\n")
    tested = registry.recognise("compose.yaml:web", checkout)

    with pytest.raises(
        UsageError, match=f"takes more of this machine.*: web: {own.replace(':', '')}"
    ):
        gate(checkout, tmp_path / "t", tested)

    assert read == ["services: {web: {build: .}}\n"]


def test_what_compose_refuses_is_told_of_the_version_that_has_it(
    checkout: Path, built: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inspect(*_: Any) -> Subject:
        raise UsageError("Compose cannot use it: env file web.env not found.")

    monkeypatch.setattr(inspection, "inspect", inspect)
    (checkout / "compose.yaml").write_text("services: {web: {build: ., env_file: web.env}}\n")
    in_git(checkout, "add", "--all")
    in_git(checkout, "commit", "--quiet", "--message", "two")
    (checkout / "web.env").write_text("A=1\n")
    tested = registry.recognise("compose.yaml:web", checkout)

    with pytest.raises(
        UsageError, match=r"^Base \(ref .*web.env not found\. Only the working tree"
    ):
        gate(checkout, tmp_path / "t", tested)


def test_a_commit_says_nothing_where_the_target_is_an_image(
    checkout: Path, built: dict[str, str], tmp_path: Path
) -> None:
    tested = registry.named(TargetKind.IMAGE, "shop:2", checkout)

    with pytest.raises(UsageError, match="a commit or a folder does not change it"):
        gate(checkout, tmp_path / "t", tested)


def test_variables_of_the_target_count_for_both_and_their_values_are_hidden(
    checkout: Path, built: dict[str, str], tmp_path: Path
) -> None:
    tested = replace(registry.recognise(".", checkout), env={"TOKEN": "hunter2"})
    sides = gate(checkout, tmp_path / "t", tested)

    assert set(sides.base.environment) == {"TOKEN"}
    assert "hunter2" not in repr(sides.base)
    assert "hunter2" in sides.prepared[SideName.BASE].subject.values.values()


def test_an_import_may_take_as_long_as_a_start(
    checkout: Path, built: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits_s: list[float] = []

    def inspect(_: str, tested: Target, __: Any, *, start_limit_s: float) -> Target:
        limits_s.append(start_limit_s)
        return tested

    monkeypatch.setattr(project_image, "inspect", inspect)
    tested = registry.recognise("shop:app", checkout)

    gate(checkout, tmp_path / "t", tested, start_limit_s=300.0)

    assert limits_s == [300.0, 300.0]
