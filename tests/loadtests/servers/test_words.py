"""What command lines say of a server."""

from __future__ import annotations

import pytest

from loadtests.servers.words import reloader_notes
from tests.loadtests.servers.captured import process


@pytest.mark.parametrize(
    ("option", "notes"),
    [
        ("--py-auto-reload 0", 0),
        ("--py-autoreload=0", 0),
        ("--python-auto-reload 2", 1),
        ("--py-autoreload=1", 1),
    ],
)
def test_a_reloader_that_looks_every_0_seconds_is_off(option: str, notes: int) -> None:
    assert len(reloader_notes((process(f"uwsgi {option} --http :1"),))) == notes


@pytest.mark.parametrize("command", ["gunicorn shop:app --reload", ""])
def test_the_last_option_has_no_value(command: str) -> None:
    assert len(reloader_notes((process(command),))) == bool(command)
