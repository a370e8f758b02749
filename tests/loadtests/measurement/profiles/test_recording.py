"""Samplers that run beside a load and end by themselves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loadtests.measurement.profiles import recording
from loadtests.measurement.profiles.recording import Recording, Sampled, read_text
from loadtests.model.errors import ProcessFailure
from loadtests.model.profiles.records import Frame

PROCESSES = (Sampled(member="base-a-1", pid=7), Sampled(member="base-a-1", pid=8))

STACK = (Frame(file="/srv/a.py", line=3, name="rank"),)


def a_program(folder: Path, body: str) -> str:
    """Give a stand-in for py-spy; ``$out`` is the file that it has to write."""
    path = folder / "py-spy"
    path.write_text(f'#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done\nout=$2\n{body}\n')
    path.chmod(0o755)
    return str(path)


def test_the_samples_of_all_processes_of_a_member_are_counted_together(tmp_path: Path) -> None:
    program = a_program(tmp_path, "echo 'rank (/srv/a.py:3) 5' > $out")
    other = Sampled(member="head-a-1", pid=9)
    samplers = Recording(program, lambda: (*PROCESSES, other), rate_hz=100, seconds=0)

    try:
        samplers.start()
        samplers.stop()
        assert samplers.stacks_of("base-a-1") == {STACK: 10}
        assert samplers.stacks_of("head-a-1") == {STACK: 5}
    finally:
        samplers.close()


def test_a_sampler_that_writes_nothing_is_a_failure_with_its_words(tmp_path: Path) -> None:
    program = a_program(tmp_path, "echo 'Permission denied' >&2; exit 1")
    samplers = Recording(program, lambda: PROCESSES[:1], rate_hz=100, seconds=0)

    try:
        samplers.start()
        samplers.stop()
        with pytest.raises(ProcessFailure, match="no samples of base-a-1") as failure:
            samplers.stacks_of("base-a-1")
    finally:
        samplers.close()
    assert "Permission denied" in failure.value.output


def test_a_sampler_that_writes_nothing_takes_no_other_members_samples(tmp_path: Path) -> None:
    program = a_program(
        tmp_path, "case $out in */7.raw) exit 1;; esac; echo 'rank (/a.py:3) 5' > $out"
    )
    processes = (PROCESSES[0], Sampled(member="head-a-1", pid=9))
    samplers = Recording(program, lambda: processes, rate_hz=100, seconds=0)

    try:
        samplers.start()
        samplers.stop()
        assert sum(samplers.stacks_of("head-a-1").values()) == 5
        with pytest.raises(ProcessFailure, match="no samples of base-a-1"):
            samplers.stacks_of("base-a-1")
    finally:
        samplers.close()


def test_a_sampler_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "END_LIMIT_S", 0.1)
    program = a_program(tmp_path, "exec sleep 60")
    samplers = Recording(program, lambda: PROCESSES[:1], rate_hz=100, seconds=0)

    samplers.start()
    samplers.stop()
    samplers.close()

    assert all(service.code is not None for service in samplers._running)


def test_a_file_is_read_as_the_process_sees_it(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("def rank(): ...\n")
    (tmp_path / "link.py").symlink_to(tmp_path / "shop.py")

    def read(name: str) -> str | None:
        return read_text(os.getpid(), str(tmp_path / name))

    assert read("shop.py") == "def rank(): ...\n"
    assert read("gone.py") == ""
    assert read("link.py") is None
    assert read("") is None
    assert read_text(os.getpid(), "<frozen>") is None
