"""Scripts that are there and cannot be started, and those that can."""

from pathlib import Path

import pytest

from loadtests.model.errors import ProcessFailure
from loadtests.tools import proc


def a_script(folder: Path, text: bytes, *, mode: int = 0o755) -> Path:
    script = folder / "hook.sh"
    script.write_bytes(text)
    script.chmod(mode)
    return script


CANNOT = [
    (b"#!/bin/sh\n", 0o644, r"\(Permission denied\)\. It is not executable"),
    (b"#!/bin/sh\r\necho\r\n", 0o755, r"\(No such file or directory\)\. Its lines end as on Win"),
    (b"echo it works\n", 0o755, r"\(Exec format error\)\. Its first line does not say what runs"),
    (b"", 0o755, r"\(Exec format error\)\. Its first line does not say what runs"),
    (b"#!/no/shell -e\n", 0o755, r"\(No such file or directory\)\. Its first line names '/no/s"),
]


@pytest.mark.parametrize(("text", "mode", "told"), CANNOT)
def test_a_script_that_cannot_be_started_is_not_called_missing(
    tmp_path: Path, text: bytes, mode: int, told: str
) -> None:
    a_script(tmp_path, text, mode=mode)

    for start in (
        lambda: proc.run(("./hook.sh",), cwd=tmp_path),
        lambda: proc.run(("./hook.sh",), cwd=tmp_path, may_leave=True),
        lambda: proc.Service(("./hook.sh",), cwd=tmp_path, log=tmp_path / "log"),
    ):
        with pytest.raises(ProcessFailure, match=rf"'\./hook\.sh' cannot be run {told}"):
            start()


def test_a_line_of_windows_behind_env_is_seen_although_env_itself_starts(tmp_path: Path) -> None:
    script = a_script(tmp_path, b"#!/usr/bin/env sh\r\necho\r\n")

    assert proc.run((str(script),), check=False).code == 127
    assert "CRLF" in str(proc.trouble_of(str(script)))


@pytest.mark.parametrize(
    "text",
    [b"#!/bin/sh\necho ok\n", b"#! /bin/sh -e\necho ok\n", b"#!/usr/bin/env sh\necho ok"],
)
def test_a_script_that_can_be_started_has_no_trouble(tmp_path: Path, text: bytes) -> None:
    script = a_script(tmp_path, text)

    assert proc.trouble_of("./hook.sh", tmp_path) is None
    assert proc.run((str(script),), cwd=tmp_path).code == 0


def test_a_relative_interpreter_is_found_from_where_the_script_runs(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    script = a_script(scripts, b"#!tools/sh\necho ok\n")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "sh").symlink_to("/bin/sh")

    assert proc.run((str(script),), cwd=tmp_path).stdout == "ok\n"
    assert proc.trouble_of(str(script)) is None


def test_a_line_of_windows_behind_a_relative_interpreter_is_seen(tmp_path: Path) -> None:
    script = a_script(tmp_path, b"#!tools/sh\r\necho\r\n")

    assert "CRLF" in str(proc.trouble_of(str(script)))


def test_nothing_is_said_of_a_binary_or_of_what_is_not_there(tmp_path: Path) -> None:
    program = a_script(tmp_path, b"\x7fELF?")

    assert proc.trouble_of("sh") is None
    assert proc.trouble_of(str(program)) is None
    assert proc.trouble_of("no-such-program") is None
    assert proc.trouble_of("./none", tmp_path) is None
    assert proc.trouble_of(str(tmp_path)) is None
