"""What uvicorn's command line has beside that of every server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import registry
from loadtests.servers.asynchronous import uvicorn
from loadtests.servers.server import ASGI_ONLY, WSGI_ONLY
from tests.loadtests.servers.captured import order

WORKER = registry.worker_models()["uvicorn"]


@pytest.mark.parametrize(
    ("processes", "version", "is_patient"),
    [
        (2, "0.54.0", True),
        (2, "0.37.0", True),
        (2, "1.0", True),
        (2, "0.36.1", False),
        (2, None, False),
        (1, "0.54.0", False),
    ],
)
def test_processes_that_start_slowly_are_not_replaced_where_that_can_be_said(
    processes: int, version: str | None, *, is_patient: bool
) -> None:
    versions = {} if version is None else {"uvicorn": version}
    given = order(replace(WORKER, processes=processes), versions=versions)

    argv = uvicorn.SERVER.command(given).argv

    assert ("--timeout-worker-healthcheck" in argv) is is_patient
    assert argv[argv.index("--workers") + 1] == str(processes)


def test_its_wrapper_around_wsgi_serves_the_other_interface() -> None:
    assert uvicorn.serves(WORKER) == ASGI_ONLY
    assert uvicorn.serves(replace(WORKER, options=("--interface", "wsgi"))) == WSGI_ONLY


def test_uvicorn_is_the_server_of_asynchronous_applications() -> None:
    (asgi,) = ASGI_ONLY

    assert registry.default_models(asgi) == ("uvicorn",)


@pytest.mark.parametrize(
    ("log", "command", "told"),
    [
        ("INFO:     Started reloader process [1] using WatchFiles\n", "python main.py", True),
        ("INFO:     Started reloader process [1] using StatReload\n", "fastapi dev", True),
        (
            "INFO:     Started reloader process [1] using StatReload\n",
            "uvicorn a:b --reload",
            False,
        ),
        ("INFO:     Started server process [7]\n", "python main.py", False),
    ],
)
def test_a_reloader_that_no_option_asks_for_is_told(log: str, command: str, *, told: bool) -> None:
    process = ServerProcess(pid=1, parent=0, threads=1, command=command)

    notes = uvicorn.look(f"{log}INFO:     Started server process [8]\n", [process]).notes

    assert any("Its reloader is on" in note for note in notes) is told
