from loadtests.model.plan import WorkerModel
from loadtests.servers import gunicorn


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
