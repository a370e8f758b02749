from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets import checkout
from tests.checkout import CHECKOUT


@pytest.fixture
def installed_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages/loadtests"
    package.mkdir(parents=True)
    monkeypatch.setattr(checkout, "PACKAGE", package)


def a_checkout(folder: Path) -> Path:
    (folder / checkout.MARK).parent.mkdir(parents=True)
    (folder / checkout.MARK).touch()
    return folder


def test_a_package_in_a_checkout_finds_it_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert checkout.root() == CHECKOUT


@pytest.mark.usefixtures("installed_elsewhere")
def test_an_installed_package_takes_the_checkout_it_is_called_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_checkout(tmp_path / "checkout")
    below = folder / "docs/deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert checkout.root() == folder
    assert checkout.results() == folder / "results"


@pytest.mark.usefixtures("installed_elsewhere")
def test_without_a_checkout_it_is_said_what_is_missing_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=rf"No compose/compose.yaml .* above {tmp_path}\. Install"):
        checkout.root()


@pytest.mark.usefixtures("installed_elsewhere")
def test_an_installed_package_has_all_of_it_in_itself_and_puts_results_where_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = a_checkout(checkout.PACKAGE / checkout.BUNDLE)
    monkeypatch.chdir(tmp_path)

    assert checkout.root() == bundle
    assert checkout.results() == tmp_path / "results"


def test_results_of_another_projects_folder_stay_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert checkout.root() == CHECKOUT
    assert checkout.results() == tmp_path / "results"


def test_the_generators_image_is_built_from_its_package_alone() -> None:
    assert (checkout.generator() / "__main__.py").is_file()
    assert (checkout.generator() / "requirements.txt").is_file()
