"""Where a user's target lies in each version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.named_versions import Named
from loadtests.gate.tested import differences
from loadtests.gate.tested.places import place_of, target_in
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target
from loadtests.targets import registry
from tests.loadtests.gate.test_versions import in_git


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository whose application lies in a folder of it, with one commit and a change."""
    folder = tmp_path / "checkout"
    shop = folder / "services/shop"
    shop.mkdir(parents=True)
    in_git(folder, "init", "--quiet")
    (shop / "shop.py").write_text("app = 1\n")
    (shop / "Dockerfile").write_text("FROM scratch\n")
    (folder / ".gitignore").write_text(".env\n")
    in_git(folder, "add", "--all")
    in_git(folder, "commit", "--quiet", "--message", "one")
    (shop / "shop.py").write_text("app = 2\n")
    (shop / ".env").write_text("TOKEN=1\n")
    return folder


def named(kind: SideKind, checkout: Path, folder: Path | None = None) -> Named:
    commit = in_git(checkout, "rev-parse", "HEAD") if kind is SideKind.REF else None
    return Named(name=SideName.BASE, asked="main", kind=kind, commit=commit, folder=folder)


def test_a_commit_has_its_own_files_in_the_same_folder(checkout: Path, tmp_path: Path) -> None:
    shop, temporary = checkout / "services/shop", tmp_path / "temporary"
    temporary.mkdir()

    place = place_of(named(SideKind.REF, checkout), shop, shop, temporary)

    assert place == temporary / "base/services/shop"
    assert (place / "shop.py").read_text() == "app = 1\n"


def test_variables_that_are_kept_out_of_git_are_those_of_the_working_tree(
    checkout: Path, tmp_path: Path
) -> None:
    shop, temporary = checkout / "services/shop", tmp_path / "temporary"
    temporary.mkdir()

    place = place_of(named(SideKind.REF, checkout), shop, shop, temporary)

    assert (place / ".env").read_text() == "TOKEN=1\n"


def test_a_folder_that_the_commit_lacks_is_told(checkout: Path, tmp_path: Path) -> None:
    new = checkout / "services/new"
    new.mkdir()

    with pytest.raises(UsageError, match="--base 'main' has no folder services/new"):
        place_of(named(SideKind.REF, checkout), new, new, tmp_path)


def test_the_working_tree_is_where_the_target_is_named_from(checkout: Path, tmp_path: Path) -> None:
    shop = checkout / "services/shop"

    for folder in (shop, checkout):  # --head ., and what stands for no --head
        place = place_of(named(SideKind.PATH, checkout, folder), shop, shop, tmp_path)
        assert place == shop


def test_another_checkout_has_it_in_the_same_folder(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    in_git(tmp_path, "clone", "--quiet", str(checkout), str(other))
    shop = checkout / "services/shop"

    place = place_of(named(SideKind.PATH, checkout, other), shop, shop, tmp_path)

    assert place == other / "services/shop"


def test_outside_of_git_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    version = Named(name=SideName.BASE, asked="other", kind=SideKind.PATH, folder=other)

    assert place_of(version, one, one, tmp_path) == other


@pytest.mark.parametrize("given", [".", "shop:app", "shop.py"])
def test_the_target_is_found_by_the_same_name_in_each_version(checkout: Path, given: str) -> None:
    shop, version = checkout / "services/shop", named(SideKind.PATH, checkout)
    tested = registry.recognise(given, shop)
    copy = checkout / "services/copy"
    shop.rename(copy)

    found = target_in(tested, copy, shop, version)

    assert found.kind is tested.kind
    assert found.folder == str(copy)


def test_a_target_with_an_absolute_path_is_that_of_the_version(checkout: Path) -> None:
    shop, version = checkout / "services/shop", named(SideKind.PATH, checkout)
    tested: Target = registry.recognise(str(shop / "Dockerfile"), shop)
    copy = checkout / "services/copy"
    shop.rename(copy)

    assert target_in(tested, copy, shop, version).dockerfile == str(copy / "Dockerfile")


def test_so_are_the_compose_files_of_a_service(checkout: Path) -> None:
    shop, version = checkout / "services/shop", named(SideKind.PATH, checkout)
    for name in ("a.yaml", "b.yaml"):
        (shop / name).write_text("services: {}\n")
    tested: Target = registry.recognise(f"{shop / 'a.yaml'}:{shop / 'b.yaml'}:web", shop)
    copy = checkout / "services/copy"
    shop.rename(copy)

    found = target_in(tested, copy, shop, version)

    assert (found.compose_file, found.overrides) == (
        str(copy / "a.yaml"),
        (str(copy / "b.yaml"),),
    )


def test_a_version_is_built_with_the_same_arguments_and_to_the_same_stage(checkout: Path) -> None:
    shop, version = checkout / "services/shop", named(SideKind.PATH, checkout)
    tested = replace(registry.recognise(".", shop), build_args={"A": "1"}, build_target="web")

    found = target_in(tested, shop, shop, version)

    assert (found.build_args, found.build_target) == ({"A": "1"}, "web")


def test_a_version_without_the_target_is_named(checkout: Path, tmp_path: Path) -> None:
    shop, version = checkout / "services/shop", named(SideKind.PATH, checkout)
    tested = registry.recognise(".", shop)
    empty = tmp_path / "empty"
    empty.mkdir()

    with pytest.raises(UsageError, match=r"--base 'main': There is no Dockerfile in"):
        target_in(tested, empty, shop, version)


def test_what_differs_is_told_of_files_alone(checkout: Path) -> None:
    shop = checkout / "services/shop"

    assert differences.hashes_of(shop, [Path("shop.py"), Path("gone.py")]).keys() == {"shop.py"}


def test_a_link_that_leads_nowhere_gets_no_variables(checkout: Path, tmp_path: Path) -> None:
    shop, temporary = checkout / "services/shop", tmp_path / "temporary"
    temporary.mkdir()
    (shop / ".env").unlink()
    (shop / ".env").symlink_to("nowhere")
    in_git(checkout, "add", "--force", "--all")
    in_git(checkout, "commit", "--quiet", "--message", "link")
    (shop / ".env").unlink()
    (shop / ".env").write_text("TOKEN=1\n")

    place = place_of(named(SideKind.REF, checkout), shop, shop, temporary)

    assert not (place / "nowhere").exists()
