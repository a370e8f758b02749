import re
import runpy
from dataclasses import fields
from typing import Any

import pytest

from app.probes import UNITS
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import SAMPLE
from loadtests.servers import gunicorn, registry
from loadtests.servers.server import ReplicaOrder, Server
from tests.checkout import CHECKOUT

MODELS = registry.worker_models()


def test_threads_and_processes_have_the_same_number_of_slots() -> None:
    assert MODELS["gthread"].slots == MODELS["sync"].slots
    assert MODELS["gevent"].slots is None


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name].slots])
def test_slots_are_what_processes_and_threads_make(name: str) -> None:
    worker = MODELS[name]

    assert worker.slots == worker.processes * worker.threads


def test_a_worker_model_belongs_to_one_server() -> None:
    named = [worker.name for server in registry.SERVERS.values() for worker in server.worker_models]

    assert len(set(named)) == len(named)
    with_models = {name for name, server in registry.SERVERS.items() if server.worker_models}
    assert {registry.server_of(name).name for name in MODELS} == with_models
    assert all(registry.of(model) is registry.server_of(name) for name, model in MODELS.items())


def test_names_are_those_that_are_asked_for_by() -> None:
    assert [server.name for server in registry.SERVERS.values()] == list(registry.SERVERS)


@pytest.mark.parametrize("name", [worker.name for worker in gunicorn.WORKER_MODELS])
def test_the_applications_own_settings_have_the_same_processes_and_threads(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application knows nothing of the harness, so its file has the figures once more."""
    for variable in ("WEB_CONCURRENCY", "THREADS", "SECRET_KEY"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("WORKER_MODEL", name)

    settings: dict[str, Any] = runpy.run_path(str(CHECKOUT / "app/gunicorn.conf.py"))

    worker = MODELS[name]
    assert (settings["workers"], settings["threads"]) == (worker.processes, worker.threads)
    assert list(settings["MODELS"]) == [model.name for model in gunicorn.WORKER_MODELS]


def test_the_guide_to_a_new_server_names_fields_that_exist() -> None:
    page = (CHECKOUT / "docs/how-to/add-a-server.md").read_text()
    table = page.partition("| field |")[2].partition("\n\n")[0]
    firsts = [row.split("|")[1] for row in table.splitlines()[2:]]

    named = {name for first in firsts for name in re.findall(r"`(\w+)`", first)}

    assert named - {field.name for field in fields(Server)} == set()
    assert {"name", "command", "programs", "says"} <= named


def test_the_application_names_what_serves_a_request_in_each_worker_model() -> None:
    """``/whoami`` would answer with null for a worker model that is missing in ``UNITS``."""
    assert UNITS.keys() == {
        (server.container(worker).env | server.command(order_of(worker)).env)["WORKER_MODEL"]
        for server in registry.SERVERS.values()
        for worker in server.worker_models
        if registry.can_serve(worker, SAMPLE.interface)
    }


def order_of(worker: WorkerModel) -> ReplicaOrder:
    return ReplicaOrder(
        python="python", application="app:create_app()", worker=worker, name="a-1", bind="h:1"
    )
