"""What each server's log and processes say, on the output of the real ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import registry
from loadtests.servers.server import Seen
from loadtests.servers.words import without_colours
from tests.loadtests.servers.captured import log, process

THREADS = Seen(mode="threads", processes=1, threads=4)
COUNTED = replace(THREADS, counted=True)

CASES: dict[str, tuple[str, str, tuple[ServerProcess, ...], Seen]] = {
    "gunicorn sync with two workers": (
        "gunicorn",
        log("gunicorn-timeout"),
        (),
        Seen(version="27.0.1", mode="sync", processes=2, threads=1),
    ),
    "gunicorn after three recycles": (
        "gunicorn",
        log("gunicorn-max-requests"),
        (),
        Seen(version="27.0.1", mode="sync", processes=1, threads=1),
    ),
    "gunicorn gthread by its command line": (
        "gunicorn",
        "Using worker: gthread\nBooting worker with pid: 7",
        (process("gunicorn --threads 8 shop:app"), process("gunicorn shop:app", pid=7, parent=10)),
        Seen(mode="gthread", processes=1, threads=8),
    ),
    "gunicorn whose log starts at warnings": (
        "gunicorn",
        "",
        (
            process("gunicorn -k sync --threads 8 shop:app"),
            process("gunicorn -k sync --threads 8 shop:app", pid=7, parent=10),
        ),
        Seen(mode="gthread", processes=1, threads=8),
    ),
    "gunicorn gevent": (
        "gunicorn",
        "Starting gunicorn 23.0.0\nUsing worker: gevent\nBooting worker with pid: 7",
        (),
        Seen(version="23.0.0", mode="gevent", processes=1, threads=1, unlimited=True),
    ),
    "gunicorn with a worker of an event loop": (
        "gunicorn",
        "Starting gunicorn 23.0.0\nUsing worker: uvicorn_worker.UvicornWorker\nBooting worker with"
        " pid: 7",
        (process("gunicorn -k uvicorn_worker.UvicornWorker --threads 1 shop:app"),),
        Seen(
            version="23.0.0",
            mode="uvicorn_worker.UvicornWorker",
            processes=1,
            threads=1,
            unlimited=True,
        ),
    ),
    "uWSGI's processes": (
        "uwsgi",
        log("uwsgi-processes"),
        (),
        Seen(version="2.0.30", mode="processes", processes=4, threads=1),
    ),
    "uWSGI's threads": (
        "uwsgi",
        log("uwsgi-threads"),
        (),
        Seen(version="2.0.30", mode="threads", processes=1, threads=4),
    ),
    "uWSGI's greenlets": (
        "uwsgi",
        log("uwsgi-gevent"),
        (),
        Seen(version="2.0.30", mode="gevent", processes=1, threads=1, unlimited=True),
    ),
    "uWSGI with its router": (
        "uwsgi",
        log("uwsgi-router"),
        (),
        Seen(
            version="2.0.30",
            mode="threads",
            processes=2,
            threads=3,
            notes=("uWSGI's HTTP router runs beside the workers; its CPU is the replica's.",),
        ),
    ),
    "uWSGI's cheaper": (
        "uwsgi",
        log("uwsgi-cheaper").partition("spawned uWSGI worker 2")[0],
        (),
        Seen(
            version="2.0.30",
            mode="processes",
            processes=None,
            threads=1,
            notes=(
                "uWSGI's cheaper is on: 1 process at the start, up to 8 under load. Fix the number"
                " (leave --cheaper out), or warm up.",
            ),
        ),
    ),
    "waitress": (
        "waitress",
        log("waitress-queue"),
        (process("python -m waitress --listen=x --threads=4 a:b", threads=5),),
        THREADS,
    ),
    "waitress in a container behind its init": (
        "waitress",
        "",
        (process("/sbin/docker-init -- x"), process("waitress-serve a:b", pid=11, threads=5)),
        COUNTED,
    ),
    "granian": (
        "granian",
        log("granian"),
        (process("python -m granian --interface wsgi --blocking-threads 4 a:b"),),
        Seen(mode="threads", processes=2, threads=4),
    ),
    "granian that does not say its threads": (
        "granian",
        log("granian"),
        (process("granian --interface wsgi a:b"),),
        Seen(mode="threads", processes=2, threads=None),
    ),
    "uvicorn with two processes, one of which was killed": (
        "uvicorn",
        log("uvicorn-died"),
        (process("python -m uvicorn --workers 2 a:b"),),
        Seen(mode="event loop", processes=2, unlimited=True),
    ),
    "uvicorn with a limit of its own": (
        "uvicorn",
        log("uvicorn-limit"),
        (process("uvicorn --limit-concurrency 2 a:b"),),
        Seen(
            mode="event loop",
            processes=1,
            unlimited=True,
            notes=(
                "uvicorn's --limit-concurrency is 2: a process with so many connections or requests"
                " answers 503 to further ones. Leave it out to see what the application can do.",
            ),
        ),
    ),
    "uvicorn whose log starts at warnings": (
        "uvicorn",
        "",
        (process("uvicorn --workers 4 --log-level warning a:b"),),
        Seen(mode="event loop", processes=4, unlimited=True),
    ),
    "Flask's development server with its reloader": (
        "development",
        log("development-reloader"),
        (),
        Seen(
            mode="threads",
            processes=1,
            unlimited=True,
            notes=(
                "This is Flask's development server, which is not made for load. Measure the"
                " server that production has.",
                "Its reloader is on: it polls all files of the application, also while a replica"
                " is idle. Start it without --debug.",
            ),
        ),
    ),
    "Flask's development server without threads": (
        "development",
        "",
        (process("/usr/bin/python /usr/bin/flask run --without-threads"),),
        Seen(
            mode="single-threaded",
            processes=1,
            threads=1,
            notes=(
                "This is Flask's development server, which is not made for load. Measure the"
                " server that production has.",
            ),
        ),
    ),
    "cheroot": ("cheroot", "", (process("python -m cheroot a:b", threads=6),), COUNTED),
    "cheroot beside threads of the application": (
        "cheroot",
        "",
        (process("python -m cheroot --threads 4 --max-threads 4 a:b", threads=9),),
        THREADS,
    ),
    "waitress beside threads of the application": (
        "waitress",
        "",
        (process("python -m waitress --threads=4 a:b", threads=7),),
        THREADS,
    ),
    "gunicorn that logs JSON": (
        "gunicorn",
        '{"level": "info", "message": "Starting gunicorn 23.0.0"}\n'
        '{"message": "Using worker: gthread", "level": "info"}\n'
        '{"message": "Booting worker with pid: 7"}\n',
        (),
        Seen(version="23.0.0", mode="gthread", processes=1),
    ),
    "gunicorn's sync that a file may give threads": (
        "gunicorn",
        "",
        (process("/venv/bin/python /venv/bin/gunicorn -k sync -c gunicorn.conf.py a:b"),),
        Seen(processes=None),
    ),
    "gunicorn's words in a shell that may change them": (
        "gunicorn",
        "",
        (process("/bin/sh /start.sh gunicorn --worker-class sync --threads 1 a:b"),),
        Seen(processes=None),
    ),
    "mod_wsgi whose log is JSON": (
        "mod_wsgi",
        '{"message": "Apache/2.4.62 (Unix) mod_wsgi/5.0.2"}\n'
        '{"message": "Operating Mode     : daemon"}\n',
        (),
        Seen(version="5.0.2", mode="daemon"),
    ),
    "mod_wsgi": (
        "mod_wsgi",
        log("mod_wsgi"),
        (),
        Seen(version="6.1.1", mode="daemon", processes=2, threads=2),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_mode_in_force_is_read(case: str) -> None:
    server, text, processes, expected = CASES[case]

    assert registry.SERVERS[server].look(text, processes) == expected


@pytest.mark.parametrize("case", CASES)
def test_the_server_is_recognised(case: str) -> None:
    server, text, processes, _ = CASES[case]
    if text.startswith("Using worker"):  # only its command line names it
        text = ""
    found = registry.recognised(text, processes)

    assert found is not None
    assert found.name == server


def test_command_lines_decide_against_a_log_that_names_another_server() -> None:
    found = registry.recognised("docs: use gunicorn", (process("waitress-serve shop:app"),))

    assert found is registry.SERVERS["waitress"]


@pytest.mark.parametrize("interface", ["asgi", "asginl", "rsgi", "RSGI"])
def test_granians_event_loops_have_no_limit_of_slots(interface: str) -> None:
    command = f"granian --interface {interface} --workers 2 --blocking-threads 1 a:b"

    seen = registry.SERVERS["granian"].look(log("granian"), (process(command),))

    assert (seen.mode, seen.unlimited) == (interface.lower(), True)


def test_a_server_that_nobody_knows_is_not_recognised() -> None:
    assert registry.recognised("Listening.", (process("python serve.py"),)) is None


def test_djangos_development_server_and_its_reloader_are_told() -> None:
    text = "Watching for file changes with StatReloader\nStarting development server at http://x\n"
    development = registry.SERVERS["development"]

    seen = development.look(text, (process("python manage.py runserver"),))
    single = development.look("", (process("manage.py runserver --noreload --nothreading"),))

    assert seen.notes[0].startswith("This is a development server")
    assert seen.notes[1].endswith("Start it with --noreload.")
    assert (single.threads, len(single.notes)) == (1, 1)


def test_a_worker_that_gunicorn_20_lost_is_not_counted() -> None:
    booted = "Booting worker with pid: {}\n"
    text = (
        f"Using worker: sync\n{booted.format(8)}"
        f"[WARNING] Worker with pid 8 was terminated due to signal 9\n{booted.format(9)}"
    )

    assert registry.SERVERS["gunicorn"].look(text, ()).processes == 1


def test_a_log_without_a_word_of_the_server_says_nothing() -> None:
    silent = Seen()
    for name in ("gunicorn", "uwsgi", "mod_wsgi"):
        assert registry.SERVERS[name].look("Hello\n", ()) == silent


def test_a_reloader_in_uwsgis_configuration_file_is_told_once() -> None:
    text, uwsgi = "Python auto-reloader enabled\n", registry.SERVERS["uwsgi"]

    (note,) = uwsgi.look(text, (process("uwsgi --ini shop.ini"),)).notes

    assert note.endswith("Start it without py-autoreload.")
    assert uwsgi.look(text, (process("uwsgi --py-autoreload 1 --ini shop.ini"),)).notes == ()


@pytest.mark.parametrize("escape", ["\x1b[32m", "\\u001b[1;32m", "\\x1b[0m"])
def test_colours_are_taken_out_of_a_log(escape: str) -> None:
    assert without_colours(f"Using worker: {escape}gthread{escape}\n") == "Using worker: gthread\n"
