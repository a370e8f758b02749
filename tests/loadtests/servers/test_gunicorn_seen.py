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


BOOTED = "[10] [INFO] Booting worker with pid: {}\n"

ENDS = {
    "a worker that timed out, and gunicorn 22": (
        "[8] [INFO] Worker exiting (pid: 8)\n"
        "[10] [ERROR] Worker (pid:8) was sent SIGKILL! Perhaps out of memory?\n"
    ),
    "a worker that timed out, and gunicorn 20": (
        "[8] [INFO] Worker exiting (pid: 8)\n"
        "[10] [WARNING] Worker with pid 8 was terminated due to signal 9\n"
    ),
    "a worker that ended by itself": (
        "[10] [ERROR] Worker (pid:8) exited with code 1\n"
        "[10] [ERROR] Worker (pid:8) exited with code 1.\n"
    ),
    "a container that was started again": "".join(BOOTED.format(pid) for pid in (7, 8, 9)),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_worker_counts_once_however_many_lines_tell_of_its_end(end: str) -> None:
    log = "".join(BOOTED.format(pid) for pid in (7, 8, 9)) + ENDS[end] + BOOTED.format(8)

    assert seen.look(log, ()).processes == 3


@pytest.mark.parametrize(
    "worker", ["asgi", "gevent_pywsgi", "egg:meinheld#gunicorn_worker", "shop.workers.Ours"]
)
def test_threads_of_a_worker_class_that_may_not_heed_them_are_not_known(worker: str) -> None:
    processes = [process(f"gunicorn -k {worker} --threads 4 shop:app")]

    assert seen.look(f"Using worker: {worker}\n", processes).threads is None
    assert seen.look("", processes).threads is None


@pytest.mark.parametrize("worker", ["gthread", "gunicorn.workers.gthread.ThreadWorker"])
def test_threads_of_gunicorns_worker_with_threads_are_those_of_its_command(worker: str) -> None:
    processes = [process("gunicorn --threads 4 shop:app")]

    assert seen.look(f"Using worker: {worker}\n", processes).threads == 4
