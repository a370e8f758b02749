"""Values of variables are told apart, and nobody can find them out."""

from __future__ import annotations

import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from loadtests.gate import fingerprints


@pytest.fixture(autouse=True)
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    fingerprints._key.cache_clear()
    yield tmp_path / "state" / "twofold" / "key"
    fingerprints._key.cache_clear()


def test_equal_values_are_equal_and_others_are_not() -> None:
    one = fingerprints.of({"TOKEN": "a", "OTHER": "a"})

    assert one == fingerprints.of({"OTHER": "a", "TOKEN": "a"})
    assert one["TOKEN"] != fingerprints.of({"TOKEN": "b"})["TOKEN"]
    assert one["TOKEN"] != one["OTHER"]


def test_no_value_is_shown() -> None:
    shown = fingerprints.of({"TOKEN": "hunter2", "BYTE": "\udcff"})

    assert "hunter2" not in str(shown)
    assert all(value.startswith("hmac:") for value in shown.values())


def test_a_later_process_has_the_same_key_and_another_user_cannot_read_it(key_file: Path) -> None:
    before = fingerprints.of({"TOKEN": "a"})
    fingerprints._key.cache_clear()

    assert fingerprints.of({"TOKEN": "a"}) == before
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.parent.stat().st_mode & 0o077 == 0


def test_another_machine_has_another_key(key_file: Path) -> None:
    before = fingerprints.of({"TOKEN": "a"})
    key_file.write_bytes(b"torn")
    fingerprints._key.cache_clear()

    assert fingerprints.of({"TOKEN": "a"}) != before


def test_a_key_that_cannot_be_kept_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))

    assert fingerprints.of({"TOKEN": "a"}) == fingerprints.of({"TOKEN": "a"})


def test_a_user_without_a_home_folder_has_a_key_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that runs under a user id that /etc/passwd does not have."""

    def unknown(_: int) -> NoReturn:
        raise KeyError

    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(fingerprints, "ROOT", tmp_path)

    assert fingerprints.of({"TOKEN": "a"}) == fingerprints.of({"TOKEN": "a"})
    assert (tmp_path / ".local/state/twofold/key").is_file()
