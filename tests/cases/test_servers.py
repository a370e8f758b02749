"""Rows about servers that need a real one for a moment."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.environments.processes import serving
from loadtests.measurement.serving import in_force
from loadtests.targets import plain
from loadtests.tools import proc

UWSGI = Path(sys.executable).with_name("uwsgi")
APP = "def application(environ, start):\n    start('200 OK', [])\n    return [b'ok']\n"


SPAWNED = ("http", "worker")
"""What it starts, in this order: there is a moment at which only the router is there."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.skipif(
    importlib.util.find_spec("pyuwsgi") is None or not UWSGI.exists(), reason="needs uWSGI here"
)
def test_uwsgi_with_its_router_has_one_slot_and_the_routers_cpu_is_the_replicas(
    tmp_path: Path,
) -> None:
    (tmp_path / "shop.py").write_text(APP)
    log = tmp_path / "uwsgi.log"
    words = ("--http", f"127.0.0.1:{free_port()}", "--module", "shop", "--need-app")
    with log.open("wb") as file:
        server = subprocess.Popen((str(UWSGI), *words), cwd=tmp_path, stdout=file, stderr=file)
    try:
        proc.wait_until(
            lambda: all(f"spawned uWSGI {what} 1" in log.read_text() for what in SPAWNED),
            limit_s=20,
            failure=log.read_text,
        )
        processes = serving.processes_of(server.pid)
    finally:
        server.kill()
        server.wait()

    entry = in_force.look(plain.as_started()[plain.AS_STARTED], log.read_text(), processes)

    assert (entry.server, entry.processes, entry.slots) == ("uwsgi", 1, 1)
    assert entry.notes == (
        "uWSGI's HTTP router runs beside the workers; its CPU is the replica's.",
    )
    assert len(processes) == 2  # a replica's CPU is that of its first process and all below it
