from dataclasses import replace
from typing import Any

import pytest

from loadtests.model.plan import WorkerModel
from loadtests.servers import entry, gunicorn
from loadtests.servers.interpreter import GIL_IS_ON
from loadtests.servers.server import ReplicaOrder

SYNC = WorkerModel(name="sync", processes=4, threads=1, slots=4)


def make_order(**fields: Any) -> ReplicaOrder:
    defaults: dict[str, Any] = {
        "python": "/venv/bin/python",
        "application": "shop:app",
        "worker": SYNC,
        "name": "sync-1",
        "bind": "127.0.0.2:8000",
        "folder": "/home/ada/shop",
        "versions": {"gunicorn": "23.0.0"},
    }
    return ReplicaOrder(**defaults | fields)


def test_the_command_names_configuration_and_application() -> None:
    argv = gunicorn.serve_argv("python3", config="app/gunicorn.conf.py", application="app:make()")

    assert argv == ("python3", "-m", "gunicorn", "--config", "app/gunicorn.conf.py", "app:make()")


def test_the_environment_carries_the_worker_model_and_room_for_idle_connections() -> None:
    worker = WorkerModel(name="sync", processes=4, threads=1, slots=4)

    env = gunicorn.environment(worker, name="sync-2", bind="127.0.0.2:8000", secret_key="k")

    assert env == {
        "WORKER_MODEL": "sync",
        "WEB_CONCURRENCY": "4",
        "THREADS": "1",
        "WORKER_CONNECTIONS": "8192",
        "BIND": "127.0.0.2:8000",
        "REPLICA": "sync-2",
        "SECRET_KEY": "k",
        "DATABASE_URL": "",
    }


def test_modules_that_are_not_installed_are_missing() -> None:
    assert gunicorn.missing_modules(("json", "no_such_module")) == ("no_such_module",)


def test_a_users_application_gets_its_worker_model_by_the_command_line() -> None:
    command = gunicorn.command(make_order())

    assert command.argv == (
        *("/venv/bin/python", "-m", "gunicorn"),
        *("--bind", "127.0.0.2:8000"),
        *("--worker-class", "sync"),
        *("--workers", "4"),
        *("--threads", "1"),
        *("--worker-connections", "8192"),
        *("--keep-alive", "75"),
        *("--graceful-timeout", "5"),
        *("--error-log", "-"),
        *("--pid", "/tmp/gunicorn.pid"),
        "shop:app",
    )
    assert command.env == {"REPLICA": "sync-1"}


def test_in_a_build_without_a_gil_the_application_is_served_by_the_module_that_looks_for_it() -> (
    None
):
    command = gunicorn.command(
        make_order(free_threaded=True, application="shop:create_app()", scratch="/scratch")
    )

    assert command.argv[-1] == "twofold_entry:application"
    assert command.files == entry.files(make_order(application="shop:create_app()"))
    assert GIL_IS_ON in command.files[entry.FILE]
    assert command.env == {
        "REPLICA": "sync-1",
        "PYTHONPATH": "/scratch:/home/ada/shop:/home/ada/shop/src",
    }


def test_a_variant_adds_its_own_options_and_variables() -> None:
    worker = WorkerModel(
        name="big",
        mode="gthread",
        processes=2,
        threads=8,
        slots=16,
        options=("--preload",),
        env={"POOL": "8"},
    )

    command = gunicorn.command(make_order(worker=worker, name="big-1"))

    assert command.argv[-2:] == ("--preload", "shop:app")
    assert command.argv[command.argv.index("--worker-class") + 1] == "gthread"
    assert command.env == {"POOL": "8", "REPLICA": "big-1"}


@pytest.mark.parametrize(
    ("versions", "is_given"),
    [
        ({}, False),
        ({"gunicorn": "23.0.0"}, False),
        ({"gunicorn": "25.0.3"}, False),
        ({"gunicorn": "25.1.0"}, True),
        ({"gunicorn": "27.0.1"}, True),
    ],
)
def test_replicas_share_no_control_socket_where_gunicorn_has_one(
    versions: dict[str, str], is_given: bool
) -> None:
    argv = gunicorn.command(make_order(versions=versions)).argv

    assert ("--no-control-socket" in argv) is is_given


def test_the_sample_application_has_a_configuration_of_its_own() -> None:
    command = gunicorn.command(make_order(folder=None, secret_key="k"))

    assert command.argv[-2:] == ("app/gunicorn.conf.py", "shop:app")
    assert command.env["SECRET_KEY"] == "k"


@pytest.mark.parametrize(
    ("kind", "modules"),
    [
        ("uvicorn_worker.UvicornWorker", ("gunicorn", "uvicorn", "uvicorn_worker")),
        ("uvicorn.workers.UvicornH11Worker", ("gunicorn", "uvicorn")),
        ("eventlet", ("gunicorn", "eventlet")),
        ("asgi", ("gunicorn",)),
        ("shop.workers.Ours", ("gunicorn",)),
    ],
)
def test_a_class_of_a_known_package_needs_it(kind: str, modules: tuple[str, ...]) -> None:
    worker = replace(gunicorn.WORKER_MODELS[0], name="other", mode=kind)

    assert gunicorn.modules(worker) == modules
    assert gunicorn.SERVER.words_for(modules[1:]) == modules[1:]


def test_what_is_not_a_further_module_is_installed_with_the_server() -> None:
    assert gunicorn.SERVER.words_for(["gevent"]) == ("'gunicorn[gevent]'",)
    assert gunicorn.SERVER.words_for(["gunicorn", "eventlet"]) == ("'gunicorn[gevent]'", "eventlet")


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        ("gthread", ("gunicorn",)),
        ("sync", ("gunicorn",)),
        ("gevent", ("gunicorn", "gevent", "packaging")),
    ],
)
def test_a_worker_model_names_the_modules_that_it_needs(
    name: str, modules: tuple[str, ...]
) -> None:
    worker = next(model for model in gunicorn.WORKER_MODELS if model.name == name)

    assert gunicorn.modules(worker) == modules


def test_each_replica_writes_its_process_id_into_a_file_of_its_own() -> None:
    argv = [gunicorn.command(make_order(scratch=f"/scratch/{name}")).argv for name in "ab"]

    files = [words[words.index("--pid") + 1] for words in argv]
    assert files == ["/scratch/a/gunicorn.pid", "/scratch/b/gunicorn.pid"]


@pytest.mark.parametrize(
    ("start_limit_s", "options", "timeout"),
    [
        (90.0, (), ("--timeout", "90")),
        (300.5, ("--timeout", "45"), ("--timeout", "301")),  # the variant's own comes last
        (5.0, (), ("--timeout", "30")),
        (None, (), ()),
        (300.0, ("--config", "other.py"), ()),
        (300.0, ("--config=other.py",), ()),
        (300.0, ("-cother.py",), ()),
    ],
)
def test_a_worker_may_import_for_as_long_as_a_replica_may_start_unless_a_file_rules(
    start_limit_s: float | None, options: tuple[str, ...], timeout: tuple[str, ...]
) -> None:
    worker = WorkerModel(name="sync", processes=4, threads=1, slots=4, options=options)

    argv = gunicorn.command(make_order(worker=worker, start_limit_s=start_limit_s)).argv

    assert argv[argv.index("--pid") + 2 :] == (*timeout, *options, "shop:app")
