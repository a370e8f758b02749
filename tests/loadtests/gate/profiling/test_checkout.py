"""Files that ran, found in the checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from loadtests.gate.profiling import checkout


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, text in (
        ("app/shop/search.py", "one"),
        ("lib/shop/search.py", "one"),
        ("old/search.py", "one"),
        ("a/twin.py", "same"),
        ("b/twin.py", "same"),
        ("app/shop/stock.py", "changed since"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for words in (("init", "--quiet"), ("add", ".")):
        subprocess.run(("git", "-C", str(tmp_path), *words), check=True)
    return tmp_path


def test_a_file_is_the_one_with_the_same_text_and_the_most_of_its_path(here: Path) -> None:
    found = checkout.find(here, {"/srv/app/shop/search.py": "one"})

    assert found == {"/srv/app/shop/search.py": "app/shop/search.py"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("/srv/shop/search.py", "one"),  # two have as much of its path
        ("/srv/twin.py", "same"),
        ("/srv/shop/stock.py", "as it was"),
        ("/srv/elsewhere.py", "text"),
        ("/srv/app/shop/search.py", None),
    ],
)
def test_nothing_is_guessed(here: Path, file: str, text: str | None) -> None:
    assert checkout.find(here, {file: text}) == {}


def test_outside_of_a_checkout_there_is_nothing(tmp_path: Path) -> None:
    assert checkout.find(tmp_path, {"/srv/search.py": "one"}) == {}
