"""What gunicorn's log and processes say, beside what else runs in its container."""

from __future__ import annotations

import pytest

from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import registry
from loadtests.servers.gunicorn import seen
from tests.loadtests.servers.captured import process

COMMAND = "/venv/bin/python /venv/bin/gunicorn -k gthread --threads 8 shop:app"


def a_server(*, workers: int = 2, master: int = 10, parent: int = 1) -> list[ServerProcess]:
    """A master and its workers, which have its command line."""
    return [
        process(COMMAND, pid=master, parent=parent),
        *(
            process(COMMAND, pid=master + number, parent=master, threads=9)
            for number in range(1, workers + 1)
        ),
    ]


TITLED = [
    process("gunicorn: master [shop:app]", pid=10),
    process("gunicorn: worker [shop:app]", pid=11, parent=10, threads=9),
    process("gunicorn: worker [shop:app]", pid=12, parent=10, threads=9),
]

BESIDE: dict[str, list[ServerProcess]] = {
    "nothing else": a_server(),
    "an init": [
        process(f"/sbin/docker-init -- {COMMAND}", pid=1, parent=0),
        *a_server(),
    ],
    "nginx under a supervisor": [
        process("/usr/bin/python3 /usr/bin/supervisord -n", pid=1, parent=0),
        process("nginx: master process nginx -g daemon off;", pid=5),
        *(process("nginx: worker process", pid=number, parent=5) for number in (6, 7, 8)),
        *a_server(),
    ],
    "celery under a supervisor": [
        process("/usr/bin/python3 /usr/bin/supervisord -n", pid=1, parent=0),
        process("python -m celery worker", pid=5),
        *(process("python -m celery worker", pid=number, parent=5) for number in (6, 7, 8)),
        *a_server(),
    ],
    "helpers that the workers have forked": [
        *a_server(),
        *(process(COMMAND, pid=number, parent=11, threads=20) for number in (20, 21, 22)),
    ],
    "helpers that both have started": [
        *a_server(),
        process("python -c from multiprocessing.resource_tracker import main", pid=20, parent=10),
        process("ffmpeg -i a", pid=21, parent=11, threads=20),
    ],
    "titles": TITLED,
    "titles behind an init": [
        process(f"/sbin/docker-init -- {COMMAND}", pid=1, parent=0),
        *TITLED,
    ],
    "titles, and helpers with those of their workers": [
        *TITLED,
        process("gunicorn: worker [shop:app]", pid=20, parent=11, threads=20),
    ],
    "a shell": [process(f"sh -c {COMMAND}", pid=1, parent=0), *a_server()],
}


@pytest.mark.parametrize("beside", BESIDE)
def test_gunicorns_workers_are_those_that_its_master_has_forked(beside: str) -> None:
    processes = BESIDE[beside]

    assert seen.look("", processes).processes == 2
    assert seen.threads_after_load(processes) == 8


def test_the_order_of_the_processes_decides_nothing() -> None:
    processes = [*reversed(BESIDE["helpers that the workers have forked"])]

    assert [worker.pid for worker in seen.workers_of(processes)] == [12, 11]


def test_workers_of_a_program_that_runs_gunicorn_itself_are_counted_too() -> None:
    processes = [
        process("python serve.py"),
        process("python serve.py", pid=11, parent=10, threads=5),
        process("python serve.py", pid=12, parent=11, threads=9),
    ]

    assert seen.look("Using worker: gthread\n", processes).processes == 1
    assert seen.threads_after_load(processes) == 4


def test_a_master_without_workers_has_none() -> None:
    alone = a_server(workers=0)

    assert seen.look("", alone).processes is None
    assert seen.threads_after_load(alone) is None


@pytest.mark.parametrize("words", ["server on port 8000", "4 workers", "with gunicorn.conf.py"])
def test_words_of_a_start_script_are_no_version(words: str) -> None:
    script = f"Starting gunicorn {words}\n"
    real = "[2026-11-28 10:00:00 +0000] [7] [INFO] Starting gunicorn 23.0.0\n"

    assert seen.look(script, ()).version is None
    assert seen.look(script + real, ()).version == "23.0.0"
    assert registry.recognised(script, (process("python serve.py"),)) is None


def test_words_of_a_start_script_are_no_version_of_uwsgi_either() -> None:
    script, real = "Starting uWSGI server\n", "*** Starting uWSGI 2.0.30 (64bit) on [x] ***\n"
    uwsgi = registry.SERVERS["uwsgi"]

    assert uwsgi.look(script, ()).version is None
    assert uwsgi.look(script + real, ()).version == "2.0.30"
