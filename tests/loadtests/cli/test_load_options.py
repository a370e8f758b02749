"""The options that say what users ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli import load_options
from loadtests.model.errors import UsageError


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ("X-Forwarded-Proto=https", ("X-Forwarded-Proto", "https")),
        ("Accept = text/html; q=0.9", ("Accept", "text/html; q=0.9")),
        ("X-Empty=", ("X-Empty", "")),
        ("Authorization=Basic YTpi==", ("Authorization", "Basic YTpi==")),
    ],
)
def test_a_header_is_a_name_and_a_value(given: str, header: tuple[str, str]) -> None:
    assert load_options.headers([given]) == dict([header])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("X-Forwarded-Proto", "X-Forwarded-Proto"),
        ("=https", "=***"),
        ("X Y=1", "X ***"),
        ("X:Y=1", "X:***"),
        ("Ü=1", "Ü=***"),
        ("A=1\r\nB: 2", "A=***"),
        ("A=1\n", "A=***"),
        ("", ""),
    ],
)
def test_what_is_no_header_is_refused_with_an_example(given: str, shown: str) -> None:
    with pytest.raises(UsageError) as raised:
        load_options.headers([given])

    message = str(raised.value)
    assert f"--header {shown!r} is no header" in message
    assert "--header X-Forwarded-Proto=https" in message


@pytest.mark.parametrize(
    "given", ["Authorization: Bearer s3cret", "Authorization: Basic s3cret==", "Bearer s3cret"]
)
def test_a_mistyped_header_is_told_without_its_secret(given: str) -> None:
    with pytest.raises(UsageError) as raised:
        load_options.headers([given])

    assert "s3cret" not in str(raised.value)
    assert ("Here: --header Authorization=…, with no colon." in str(raised.value)) is (":" in given)


def test_the_last_value_of_a_header_counts() -> None:
    assert load_options.headers(["A=1", "B=2", "A=3"]) == {"A": "3", "B": "2"}


def test_headers_go_with_every_load_and_into_the_plan(
    twofold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text("app = None")
    words = ("plan", "shop:app", "--request", "GET /", "--header", "X-Forwarded-Proto=https")

    plan = json.loads(twofold(*words, "--json").stdout)

    (workload,) = plan["workloads"]
    assert workload["headers"] == {"X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (None, ()),
        ("flask init-db", ("flask", "init-db")),
        ("sh -c 'rm -f a b'", ("sh", "-c", "rm -f a b")),
    ],
)
def test_a_reset_command_is_split_into_words(command: str | None, words: tuple[str, ...]) -> None:
    assert load_options.words(command) == words
