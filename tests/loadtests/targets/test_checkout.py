from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets import checkout as project
from tests.checkout import CHECKOUT


@pytest.fixture
def installed_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        project, "__file__", str(tmp_path / "site-packages/loadtests/targets/checkout.py")
    )


def a_checkout(folder: Path) -> Path:
    (folder / project.MARK).parent.mkdir(parents=True)
    (folder / project.MARK).touch()
    return folder


def test_a_package_in_a_checkout_finds_it_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert project.root() == CHECKOUT


@pytest.mark.usefixtures("installed_elsewhere")
def test_an_installed_package_takes_the_checkout_it_is_called_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = a_checkout(tmp_path / "checkout")
    below = checkout / "docs/deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert project.root() == checkout


@pytest.mark.usefixtures("installed_elsewhere")
def test_without_a_checkout_it_is_said_what_is_missing_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=f"No compose/compose.yaml .* above {tmp_path}"):
        project.root()
