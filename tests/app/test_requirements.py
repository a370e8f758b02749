"""The lock of the image's packages, as text: what pip needs to refuse anything else."""

from __future__ import annotations

import re

import pytest

from tests.app.conftest import ROOT

LOCK = (ROOT / "app" / "requirements.txt").read_text()
PINNED = re.findall(r"^([a-z0-9-]+)==\S+", LOCK, flags=re.MULTILINE)


@pytest.mark.parametrize(
    "name",
    [
        re.split(r"[\[<>=~]", line)[0]
        for line in (ROOT / "app" / "requirements.in").read_text().splitlines()
        if line and not line.startswith("#")
    ],
)
def test_what_the_application_asks_for_is_pinned(name: str) -> None:
    assert name in PINNED


def test_every_package_has_its_hashes() -> None:
    packages = re.split(r"\n(?=[a-z])", LOCK.strip())

    assert len(packages) == len(PINNED)
    assert all("--hash=sha256:" in package for package in packages)


def test_no_index_is_named() -> None:
    assert "://" not in LOCK
    assert "index-url" not in LOCK
