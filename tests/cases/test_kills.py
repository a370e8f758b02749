"""What the kernel kills in a replica while it runs, for want of memory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cases.applications import DOCKERFILE, PROXIED, SMALL_MEMORY
from tests.docker import built_images
from tests.docker.user_targets import opened

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.parallel]

GREEDY = "b'x' * (1 << 28)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    built_images.remove(folder)


@pytest.mark.usefixtures("built_once")
def test_a_process_that_is_killed_while_a_replica_runs_is_told_as_out_of_memory(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "shop.py").write_text(PROXIED)
    (folder / "compose.yaml").write_text(SMALL_MEMORY)
    (folder / "Dockerfile").write_text(DOCKERFILE.replace("THREADS", "4"))

    with opened("compose.yaml:web", folder, tmp_path / "run-of-kills") as stack:
        second = stack.replicas[1].identity
        argv = ("docker", "exec", second, "/venv/bin/python", "-c", GREEDY)
        done = subprocess.run(argv, capture_output=True, check=False)

    assert done.returncode == 137
    (note,) = [note for note in stack.notes if "OOMKilled" in note]
    assert note.startswith("The kernel killed processes, out of memory (OOMKilled): as-started-2 (")
    assert "mem_limit" in note
