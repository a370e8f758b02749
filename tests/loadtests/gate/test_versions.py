"""Versions become images: built from their own files, with one port, and compared."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from loadtests.gate import named_versions, versions
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.named_versions import Named
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.tools import docker, git

QUIET: Any = lambda _: None  # noqa: E731  as short as what it does


class FakeEngine:
    """An engine that knows images and their ports by name."""

    def __init__(self, **ports: tuple[int, ...]) -> None:
        self.ports: dict[str, tuple[int, ...]] = dict(ports)

    def image_id(self, image: str) -> str | None:
        return f"sha256:{image}" if image in self.ports else None

    def exposed_ports(self, image: str) -> tuple[int, ...]:
        return self.ports[image]


def in_git(folder: Path, *words: str) -> str:
    own = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ("git", "-C", str(folder), *own, *words), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with two commits on main, one on a branch, and a changed file."""
    folder = tmp_path / "checkout"
    (folder / "app").mkdir(parents=True)
    in_git(folder, "init", "--quiet")
    (folder / "app/Dockerfile").write_text("FROM scratch\n")
    for text in ("one", "two"):
        (folder / "app/code.py").write_text(text)
        in_git(folder, "add", "--all")
        in_git(folder, "commit", "--quiet", "--message", text)
    in_git(folder, "checkout", "--quiet", "-b", "topic")
    (folder / "app/code.py").write_text("three")
    in_git(folder, "commit", "--quiet", "--all", "--message", "three")
    (folder / "app/code.py").write_text("four")
    return folder


def test_a_commit_is_exported_as_it_was(checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    git.export(checkout, in_git(checkout, "rev-parse", "main~1"), folder)

    assert (folder / "app/code.py").read_text() == "one"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tar"] == []


def build(
    engine: FakeEngine, checkout: Path, base: Named, head: Named, **of_head: str
) -> versions.Sides:
    environments: dict[SideName, dict[str, str]] = {SideName.BASE: {}, SideName.HEAD: of_head}
    return versions.build(
        engine,  # type: ignore[arg-type]
        checkout,
        checkout,
        (base, head),
        environments,
        QUIET,
    )


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Builds that only note what they were asked for."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(docker, "build", lambda argv, **_: asked.append(tuple(argv)))
    monkeypatch.setattr(
        "loadtests.environments.compose.images.base_image", lambda *_, **__: "base:1"
    )
    return asked


def test_a_commit_and_a_tree_are_built_and_their_files_compared(
    checkout: Path, built: list[tuple[str, ...]]
) -> None:
    engine: Any = FakeEngine(
        **{"twofold/gate-base:latest": (8000,), "twofold/gate-head:latest": (8000,)}
    )
    base = named_versions.find(engine, checkout, SideName.BASE, "main~1")
    head = named_versions.find(engine, checkout, SideName.HEAD, None)
    found = build(engine, checkout, base, head)

    assert found.differences == ("changed: code.py",)
    assert found.base.commit == in_git(checkout, "rev-parse", "main~1")
    assert [argv[argv.index("--tag") + 1] for argv in built] == [
        "twofold/gate-base:latest",
        "twofold/gate-head:latest",
    ]


def test_identical_images_are_allowed_and_said(checkout: Path) -> None:
    engine = FakeEngine(shop=(8000,))
    one, other = (Named(name=name, asked="shop", kind=SideKind.IMAGE) for name in SideName)

    assert build(engine, checkout, one, other).differences == ("The images are identical (A/A).",)


def test_identical_images_that_are_set_otherwise_are_no_a_a(checkout: Path) -> None:
    engine = FakeEngine(shop=(8000,))
    one, other = (Named(name=name, asked="shop", kind=SideKind.IMAGE) for name in SideName)

    found = build(engine, checkout, one, other, BURN_PERCENT="5")

    assert found.differences == (
        "The images are identical.",
        "BURN_PERCENT is set for head and not for base.",
    )


def test_values_of_variables_are_in_no_record_and_no_sentence(checkout: Path) -> None:
    engine = FakeEngine(shop=(8000,))
    one, other = (Named(name=name, asked="shop", kind=SideKind.IMAGE) for name in SideName)

    found = build(engine, checkout, one, other, TOKEN="hunter2")

    assert found.variables[SideName.HEAD] == {"TOKEN": "hunter2"}
    assert set(found.head.environment) == {"TOKEN"}
    assert "hunter2" not in repr(found)


def test_ports_that_differ_are_refused(checkout: Path) -> None:
    engine = FakeEngine(old=(8000,), new=(9000,))
    old = Named(name=SideName.BASE, asked="old", kind=SideKind.IMAGE)
    new = Named(name=SideName.HEAD, asked="new", kind=SideKind.IMAGE)

    with pytest.raises(EnvironmentFailure, match="port 8000 and head on port 9000"):
        build(engine, checkout, old, new)


def test_a_folder_without_a_dockerfile_is_refused(checkout: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    named = Named(name=SideName.BASE, asked="empty", kind=SideKind.PATH, folder=empty)

    with pytest.raises(UsageError, match=r"no Dockerfile.*app/\. Name a folder with one, or an"):
        build(FakeEngine(), checkout, named, named)
    (empty / "shop.py").write_text("from flask import Flask\nshop = Flask(__name__)\n")
    with pytest.raises(UsageError, match=r"no Dockerfile.* in shop\.py: --app 'shop:shop'"):
        build(FakeEngine(), checkout, named, named)
    (empty / "compose.yml").write_text("services: {web: {build: web}}")
    with pytest.raises(UsageError, match=r"no Dockerfile.*: --service compose\.yml:web"):
        build(FakeEngine(), checkout, named, named)


@pytest.mark.parametrize(("exposed", "port"), [((), 8000), ((5000,), 5000), ((8000, 9100), 8000)])
def test_the_port_is_the_one_that_the_image_exposes(
    checkout: Path, exposed: tuple[int, ...], port: int
) -> None:
    engine = FakeEngine(shop=exposed)
    one, other = (Named(name=name, asked="shop", kind=SideKind.IMAGE) for name in SideName)

    assert build(engine, checkout, one, other).head.port == port


def test_several_ports_cannot_be_told_apart(checkout: Path) -> None:
    engine = FakeEngine(shop=(5000, 5001))
    one, other = (Named(name=name, asked="shop", kind=SideKind.IMAGE) for name in SideName)

    with pytest.raises(EnvironmentFailure, match="5000, 5001"):
        build(engine, checkout, one, other)


def test_a_commits_files_have_the_modes_of_the_checkouts(checkout: Path, tmp_path: Path) -> None:
    """Else an A/A of a commit and its own working tree would build two images."""
    code, folder = checkout / "app/code.py", checkout / "app"
    code.chmod(0o664)
    folder.chmod(0o775)
    (folder / "Dockerfile").chmod(0o755)  # the working tree alone can start it
    exported = tmp_path / "exported"
    exported.mkdir()

    git.export(checkout, "topic", exported)

    modes = {
        name: stat.S_IMODE((exported / name).stat().st_mode)
        for name in ("app", "app/code.py", "app/Dockerfile")
    }
    assert modes == {"app": 0o775, "app/code.py": 0o664, "app/Dockerfile": 0o644}
    assert (exported / "app/code.py").read_text() == "three"


# -- a commit of a stranger's ------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/etc", "../../outside", "app/../../outside"])
@pytest.mark.parametrize("name", ["link", "app/link"])
def test_a_commit_with_a_link_that_leads_out_is_not_written(
    checkout: Path, tmp_path: Path, name: str, target: str
) -> None:
    (checkout / name).symlink_to(target if target.startswith("/") else f"../{target}")
    in_git(checkout, "add", "--all")
    in_git(checkout, "commit", "--quiet", "--message", "link")
    into = tmp_path / "into"
    into.mkdir()

    with pytest.raises(UsageError, match=f"has {name} → .*leads out of its folder"):
        git.export(checkout, in_git(checkout, "rev-parse", "HEAD"), into)

    assert list(into.iterdir()) == []
    assert not into.with_suffix(".tar").exists()


def test_links_within_a_commit_are_written(checkout: Path, tmp_path: Path) -> None:
    (checkout / "app/up").symlink_to("../app/code.py")
    in_git(checkout, "add", "--all")
    in_git(checkout, "commit", "--quiet", "--message", "link")
    into = tmp_path / "into"
    into.mkdir()

    git.export(checkout, in_git(checkout, "rev-parse", "HEAD"), into)

    assert (into / "app/up").read_text() == "four"


def test_a_dockerfile_that_is_a_link_to_a_file_of_this_machine_is_refused(
    checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (checkout / "app/Dockerfile").unlink()
    (checkout / "app/Dockerfile").symlink_to(tmp_path / "secret")
    head = Named(name=SideName.HEAD, asked=".", kind=SideKind.PATH, folder=checkout)

    with pytest.raises(UsageError, match="app/Dockerfile is a link to"):
        versions._folder(head, checkout, tmp_path)
