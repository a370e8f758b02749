"""Which variants have an idle control, and that it has nothing of the user's."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments import idle_control
from loadtests.environments.processes import addresses, project
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import SAMPLE, Interface, Target, TargetKind
from loadtests.servers import registry
from loadtests.tools import host, proc, procfs
from loadtests.tools.proc import Service
from tests.loadtests.builders import make_worker

GTHREAD = make_worker("gthread")
OWN = WorkerModel(
    name="own", server="command", processes=1, threads=1, slots=None, options=("serve", "{bind}")
)
FLASK = WorkerModel(name="flask", server="development", processes=1, threads=1, slots=None)
BINDS = "127.0.0.1:8000"


def a_target(kind: TargetKind) -> Target:
    return replace(SAMPLE, kind=kind)


def job_of(worker: WorkerModel, **fields: Any) -> dict[str, Any]:
    """Return what the control's first program is told."""
    argv = idle_control.command(worker, python="/venv/python", bind=BINDS, folder="/own", **fields)
    job: dict[str, Any] = json.loads(argv[-1])
    return job


@pytest.mark.parametrize("kind", list(TargetKind))
def test_only_a_server_that_our_command_starts_has_a_control(kind: TargetKind) -> None:
    having = idle_control.workers_of((GTHREAD,), a_target(kind))

    ours = kind in {TargetKind.SAMPLE, TargetKind.IMPORT_STRING}
    assert having == ((GTHREAD,) if ours else ())


@pytest.mark.parametrize("worker", [OWN, FLASK, replace(GTHREAD, as_started=True)])
def test_what_cannot_serve_any_application_has_none(worker: WorkerModel) -> None:
    assert idle_control.workers_of((worker, GTHREAD), SAMPLE) == (GTHREAD,)


@pytest.mark.parametrize("name", registry.worker_models())
def test_every_built_in_worker_model_has_one(name: str) -> None:
    worker = registry.worker_models()[name]

    assert idle_control.workers_of((worker,), SAMPLE) == (worker,)
    job = job_of(worker)
    served = " ".join(job["argv"]) + "".join(job["files"].values())
    if registry.can_serve(worker, Interface.WSGI):
        assert "wsgiref.simple_server" in served
        assert "demo_app" in served
    else:
        assert "import twofold_empty as _module\n\napplication = _module.application\n" in served
        assert "async def application(scope, receive, send):" in job["files"]["twofold_empty.py"]


def test_a_variant_whose_options_decide_what_is_served_has_none() -> None:
    granian = registry.worker_models()["granian"]
    own = replace(granian, options=("--interface", "asgi"), threads=1, slots=None)

    assert idle_control.workers_of((granian, own), SAMPLE) == (granian,)


def test_the_users_options_and_variables_are_left_out() -> None:
    own = replace(GTHREAD, options=("--reload",), env={"GUNICORN_CMD_ARGS": "--reload"}, threads=8)

    job = job_of(own)

    assert "--reload" not in job["argv"]
    assert {"REPLICA", "PYTHONPATH"} == job["env"].keys()
    assert job["argv"][job["argv"].index("--threads") + 1] == "8"


def test_what_is_lent_to_the_interpreter_is_found_by_the_control_too() -> None:
    assert job_of(GTHREAD, places="/stack/lent")["env"]["PYTHONPATH"] == "/stack/lent"


# -- for real ----------------------------------------------------------------------------------


def is_here(worker: WorkerModel) -> bool:
    runs = worker.server != "mod_wsgi" or os.getuid() != 0  # it does not start as root
    modules = registry.of(worker).modules(worker)
    return runs and all(importlib.util.find_spec(name) for name in modules)


HERE = [name for name, worker in registry.worker_models().items() if is_here(worker)]


def start(worker: WorkerModel, folder: Path, **env: str) -> tuple[Service, str]:
    """Start a control as a stack of processes does; the users' files lie in ``folder``."""
    bind = next(iter(addresses.assign(("a-0",), proxy_ports=()).replicas.values()))
    argv = idle_control.command(
        worker,
        python=sys.executable,
        bind=bind,
        folder=str(folder / "own"),
        program=project.program_of(registry.of(worker), sys.executable),
        queue_most=host.queue_limit(),
    )
    return Service(argv, log=folder / "log", cwd=folder, env=env), bind


def answer_of(bind: str, service: Service) -> str:
    """Wait until it answers, and return the text."""
    texts: list[str] = []

    def answers() -> bool:
        assert service.code is None, service.ended_message()
        try:
            with urllib.request.urlopen(f"http://{bind}/", timeout=5) as answer:
                texts.append(answer.read().decode())
        except OSError:
            return False
        return True

    proc.wait_until(answers, limit_s=30.0, failure=service.ended_message)
    return texts[0]


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("name", HERE)
def test_every_server_that_is_here_serves_the_empty_application(name: str, tmp_path: Path) -> None:
    service, bind = start(registry.worker_models()[name], tmp_path)
    try:
        assert answer_of(bind, service).startswith("Hello world!")
    finally:
        service.close()


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.skipif(
    "gthread" not in HERE or sys.platform != "linux", reason="needs gunicorn here, and /proc"
)
def test_no_configuration_file_and_no_variable_of_the_users_takes_effect(tmp_path: Path) -> None:
    said = tmp_path / "said"
    hook = f"open({str(said)!r}, 'w').close()\n"
    (tmp_path / "gunicorn.conf.py").write_text(hook)
    (tmp_path / "other.py").write_text(hook)
    env = {"GUNICORN_CMD_ARGS": f"--config {tmp_path}/other.py", "SHOP_TOKEN": "secret"}

    service, bind = start(GTHREAD, tmp_path, **env)
    try:
        answer_of(bind, service)
        variables = procfs.environment_of(service.pid)
    finally:
        service.close()

    assert not said.exists()
    assert variables["PATH"] == os.environ["PATH"]
    assert not {"GUNICORN_CMD_ARGS", "SHOP_TOKEN"} & variables.keys()
