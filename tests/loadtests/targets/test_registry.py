"""Which form of target a text is recognised as."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import TargetKind
from loadtests.targets import registry


@pytest.mark.parametrize("name", ["start.sh", "Procfile", "uwsgi.ini", "deploy/start.sh"])
def test_a_file_that_no_form_has_is_no_image_and_the_forms_are_named(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / name).touch()

    with pytest.raises(UsageError) as refused:
        registry.recognise(name, tmp_path)

    message = str(refused.value)
    assert message.startswith(f"The target {name!r} is a file of no known form. Name it by an")
    assert "--app shop:create_app(), " in message
    assert "--dockerfile docker/Dockerfile" in message


@pytest.mark.parametrize(
    "name", ["shop", "shop:1.2", "registry.test/shop@sha256:00", "localhost:5000/shop", "shop:5000"]
)
def test_what_is_no_file_can_be_an_image(tmp_path: Path, name: str) -> None:
    assert registry.recognise(name, tmp_path).kind is TargetKind.IMAGE


def test_an_image_with_the_name_of_a_file_is_named_by_its_option(tmp_path: Path) -> None:
    (tmp_path / "shop").touch()

    assert registry.named(TargetKind.IMAGE, "shop", tmp_path).image == "shop"


def test_a_text_that_is_nothing_has_no_known_form(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'-x' has no known form"):
        registry.recognise("-x", tmp_path)


@pytest.mark.parametrize("given", ["localhost:5000", "127.0.0.1:8000", "[::1]:80", "10.0.0.7:80/"])
def test_an_address_is_no_image_and_its_url_is_named(tmp_path: Path, given: str) -> None:
    with pytest.raises(UsageError) as refused:
        registry.recognise(given, tmp_path)

    assert str(refused.value) == (
        f"The target {given!r} is an address without a scheme. Name the URL: http://{given}"
    )
