"""Whether the containers of a user's image answer as one, asked on the Docker engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.config.options import Options
from loadtests.environments.compose import images, machine
from loadtests.environments.compose.stack import ComposeStack
from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.workload import RequestSpec, Workload
from loadtests.planning.run_plan import make_plan
from loadtests.targets import checkout, plain
from loadtests.targets import registry as targets
from loadtests.tools import docker
from tests.docker.test_run import OWN_RUN

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.parallel]

DOCKERFILE = """\
FROM twofold/app:latest
USER root
RUN mkdir /srv/shop && chmod 777 /srv/shop
COPY shop.py /srv/shop/shop.py
WORKDIR /srv/shop
EXPOSE 5000
CMD ["/venv/bin/python", "-m", "gunicorn", "--bind", "0.0.0.0:5000", "--threads", "4", "shop:app"]
"""

SHOP = """\
import sqlite3
from flask import Flask, request

app = Flask(__name__)

def database():
    connection = sqlite3.connect("shop.db", timeout=20)
    connection.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)")
    return connection

@app.post("/notes")
def write():
    with database() as connection:
        return {"id": connection.execute("INSERT INTO notes (text) VALUES (?)",
                                         [request.form["text"]]).lastrowid}, 201

@app.get("/notes/<int:number>")
def read(number):
    with database() as connection:
        row = connection.execute("SELECT text FROM notes WHERE id = ?", [number]).fetchone()
    return (row[0], 200) if row else ("no such note", 404)
"""

REQUESTS = (
    RequestSpec(method="POST", path="/notes", form={"text": "a note of {1000..9999}"}),
    RequestSpec(path="/notes/{1..9999}"),
)


def found(folder: Path, results: Path) -> tuple[ProbeResult, ...]:
    """Give what the checks find of two containers of the image in a folder."""
    tested = replace(targets.recognise(".", folder), health="/notes/1")
    chosen = machine.choose(checkout.root(), tested)
    project = replace(plain.project(tested), tested=chosen.tested or tested)
    options = Options(replicas=(1, 2))
    plan = make_plan(options, chosen.machine, backend="compose", seed=1, project=project)
    plan = replace(plan, workloads=(Workload(name="own", path="/", requests=REQUESTS),))
    results.mkdir()
    with chosen.backend.open(plan, results, lambda _: None) as stack:
        assert isinstance(stack, ComposeStack)
        with stack.start_generator() as generator:
            agent = Agent(generator)
            agent.hello()
            driver = Driver(stack, agent, None, health_path="/notes/1")
            driver.wait_ready(plan.upstreams)
            names = set(stack.identities())
            asked = driver.ask_servers(plan)
            assert set(stack.identities()) == names
            return asked


def test_a_database_in_the_container_breaks_and_its_file_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "shop.py").write_text(SHOP)
    engine = docker.Engine()
    try:
        images.build_all(engine, checkout.root(), say=lambda _: None)
    except EnvironmentFailure as error:
        pytest.skip(str(error))
    finally:
        engine.close()

    results = found(folder, tmp_path / OWN_RUN)

    (broken,) = [result for result in results if result.state is ProbeState.BREAKS]
    assert broken.kind is ProbeKind.WRITTEN
    assert "Each server keeps /srv/shop/shop.db for itself." in broken.detail
    kinds = {result.kind: result.state for result in results}
    assert kinds[ProbeKind.FILES] is ProbeState.NOTE
    assert kinds[ProbeKind.START] is ProbeState.OK
