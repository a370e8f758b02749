"""The linters of what is not Python: which files they read, and what counts as a finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import other_linters
from tests.checkout import CHECKOUT

SOUND = json.dumps({"dependencies": [{"name": "flask", "version": "3.1", "vulns": []}]})
FAULTY = json.dumps(
    {
        "dependencies": [
            {
                "name": "flask",
                "version": "0.1",
                "vulns": [{"id": "CVE-1", "fix_versions": ["0.2"]}, {"id": "CVE-2"}],
            }
        ]
    }
)


def program(folder: Path, name: str, *, says: str = "", code: int = 0) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\nexit {code}\n")
    path.chmod(0o755)


def test_every_file_that_is_named_is_there() -> None:
    linters = other_linters.linters(CHECKOUT)

    assert linters
    for linter in linters:
        files = [word for word in linter.argv[1:] if "/" in word or word.startswith(".")]
        assert files
        assert all((CHECKOUT / file).exists() for file in files), linter.name


def test_every_script_of_a_shell_is_read() -> None:
    folders = ("compose", ".ci", "scripts", "app")
    shells = [
        str(path.relative_to(CHECKOUT))
        for folder in folders
        for path in (CHECKOUT / folder).rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and path.read_bytes()[:40].split(b"\n")[0] in {b"#!/bin/sh", b"#!/usr/bin/env bash"}
    ]

    assert sorted(shells) == sorted(other_linters.SCRIPTS)


def test_what_is_not_installed_is_said_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert other_linters.main(tmp_path, tmp_path / ".cache/audited") == 0
    assert capsys.readouterr().err == (
        "Not installed, so left out: shellcheck, hadolint, zizmor, pip-audit.\n"
    )


@pytest.mark.parametrize("name", ["shellcheck", "hadolint", "zizmor"])
def test_a_finding_of_one_linter_fails_all(tmp_path: Path, name: str) -> None:
    program(tmp_path, name, code=1)

    assert other_linters.main(tmp_path, tmp_path / ".cache/audited") == 1


@pytest.mark.parametrize(
    ("says", "code", "failed", "said"),
    [
        (SOUND, 0, 0, ""),
        (FAULTY, 1, 1, "flask 0.1 has CVE-1. Mended in: 0.2."),
        ("", 1, 0, "pip-audit cannot reach its data"),
    ],
)
def test_the_pinned_packages_are_looked_up_where_that_is_possible(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], says: str, code: int, failed: int, said: str
) -> None:
    program(tmp_path, "pip-audit", says=says, code=code)

    assert other_linters.main(tmp_path, tmp_path / ".cache/audited") == failed
    assert said in capsys.readouterr().err


def test_packages_that_were_looked_up_today_are_not_looked_up_again(tmp_path: Path) -> None:
    for name in ("shellcheck", "hadolint", "zizmor"):
        program(tmp_path, name)
    program(tmp_path, "pip-audit", says=SOUND)
    stamp = tmp_path / ".cache/audited"
    assert other_linters.main(tmp_path, stamp) == 0

    program(tmp_path, "pip-audit", says=FAULTY, code=1)
    assert other_linters.main(tmp_path, stamp) == 0

    stamp.write_text("another day, or other packages")
    assert other_linters.main(tmp_path, stamp) == 1
