"""Every server that is installed here, started by its own command line. Needs nginx to be there."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from loadtests.environments.processes.backend import ProcessesBackend, ProcessesStack
from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.serving import in_force, keep_alive, start_time
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.plan import START_LIMIT_S, Plan, WorkerModel
from loadtests.model.tested.in_force import InForce, KeptConnections
from loadtests.model.tested.target import SAMPLE
from loadtests.planning.run_plan import FIRST_PORT
from loadtests.servers import idle_connections, registry
from tests import needs
from tests.checkout import CHECKOUT
from tests.loadtests.builders import make_budget, make_plan
from tests.loadtests.generator_agent import agent

__all__ = ["agent"]

pytestmark = [
    pytest.mark.slow,
    needs.PROCESSES,
]

NO_BUDGET = make_budget(replica_cpus=None, replica_cores=(), service_cores=())


def is_here(worker: WorkerModel) -> bool:
    modules = registry.of(worker).modules(worker)
    runs = worker.server != "mod_wsgi" or os.getuid() != 0  # it does not start as root
    runs = runs and registry.can_serve(worker, SAMPLE.interface)
    return runs and all(importlib.util.find_spec(name) for name in modules)


HERE = {name: model for name, model in registry.worker_models().items() if is_here(model)}
needs_waitress = pytest.mark.skipif("waitress" not in HERE, reason="needs waitress here")


def plan_for(*workers: WorkerModel, replicas: int = 1) -> Plan:
    plan = make_plan(
        workers=tuple(worker.name for worker in workers),
        replica_counts=tuple(range(1, replicas + 1)),
        rounds=2,
        backend="processes",
        budget=NO_BUDGET,
    )
    upstreams = tuple(
        replace(upstream, port=FIRST_PORT + 300 + index)
        for index, upstream in enumerate(plan.upstreams)
    )
    return replace(plan, workers=workers, upstreams=upstreams)


@dataclass
class Running:
    plan: Plan
    stack: ProcessesStack
    agent: Agent

    def driver(self, start_limit_s: float = START_LIMIT_S) -> Driver:
        return Driver(self.stack, self.agent, None, start_limit_s=start_limit_s)

    def address(self, worker: str) -> str:
        return next(replica.address for replica in self.stack.replicas if replica.worker == worker)


@contextmanager
def running(agent: Agent, folder: Path, *workers: WorkerModel) -> Iterator[Running]:
    plan = plan_for(*workers)
    with (
        ProcessesBackend(CHECKOUT).open(plan, folder, lambda line: None) as stack,
        stack.start_metronome(),  # as in a run: something is alive when all replicas have ended
    ):
        yield Running(plan=plan, stack=stack, agent=agent)


@pytest.fixture(scope="module")
def everything(agent: Agent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A replica of the sample application under each server that is here."""
    with running(agent, tmp_path_factory.mktemp("run"), *HERE.values()) as up:
        up.driver().wait_ready(up.plan.upstreams)
        yield up


@pytest.fixture(scope="module")
def seen(everything: Running) -> dict[str, InForce]:
    entries = in_force.see(everything.stack, everything.plan, kept={})
    return {entry.worker: entry for entry in entries}


@pytest.fixture(scope="module")
def kept(everything: Running) -> dict[str, KeptConnections]:
    return keep_alive.watch(everything.stack, everything.plan)


@pytest.mark.parallel
@pytest.mark.parametrize("name", HERE)
def test_a_replica_answers_as_its_worker_model(everything: Running, name: str) -> None:
    (answer,) = everything.agent.fetch([f"http://{everything.address(name)}/whoami"])

    assert answer.status == 200
    assert '"served_by":null' not in answer.body.replace(" ", "")


@pytest.mark.parallel
@pytest.mark.parametrize("name", HERE)
def test_all_processes_of_a_replica_count_their_requests_together(
    everything: Running, name: str
) -> None:
    url = f"http://{everything.address(name)}"

    def finished() -> int:
        (answer,) = everything.agent.fetch([f"{url}/metrics"])
        lines = answer.body.splitlines()
        return int(
            next(line for line in lines if line.startswith("app_requests_finished")).split()[1]
        )

    before = finished()
    everything.agent.fetch([f"{url}/whoami"] * 24)

    assert finished() == before + 24


@pytest.mark.parallel
@pytest.mark.parametrize("name", HERE)
def test_what_was_put_into_force_is_seen(seen: dict[str, InForce], name: str) -> None:
    worker, entry = HERE[name], seen[name]

    assert entry.server == worker.server
    assert entry.processes == worker.processes
    assert entry.threads in {worker.threads, None}
    assert entry.slots == worker.slots
    assert entry.notes == ()


@pytest.mark.parallel  # it closes at once, or not within the whole watch
@pytest.mark.parametrize(
    "name", [name for name, worker in HERE.items() if worker.server != "gunicorn"]
)
def test_idle_connections_are_treated_as_the_servers_file_says(
    kept: dict[str, KeptConnections], name: str
) -> None:
    declared = registry.of(HERE[name]).keep_alive(HERE[name])

    closed_after_s = kept[name].closed_after_s
    if declared.idle_s == 0:
        assert kept[name].announced
        idle = idle_connections.allowed(declared, kept[name])
        assert idle == idle_connections.ONE_EACH
    else:
        assert closed_after_s is None
        assert kept[name].answered == kept[name].opened


@pytest.mark.parallel
def test_one_more_replica_answers_after_some_time(everything: Running) -> None:
    seconds = start_time.measure(everything.stack, everything.agent, "gthread", "/healthz")

    assert seconds is not None
    assert 0.05 < seconds < 60


# -- servers that do not come up --------------------------------------------------------------


def own(*words: str, name: str = "own") -> WorkerModel:
    return WorkerModel(name=name, server="command", processes=1, threads=1, slots=1, options=words)


def options_of(name: str, *options: str) -> WorkerModel:
    return replace(registry.worker_models()[name], options=options)


REFUSALS = {
    "gunicorn, an option": (options_of("sync", "--bogus"), "unrecognized arguments: --bogus"),
    "uWSGI, an option": (options_of("uwsgi-threads", "--bogus"), "unrecognized option '--bogus'"),
    "uWSGI, a queue above the system's": (
        options_of("uwsgi-processes", "--listen", "1000000"),
        "Listen queue size is greater than the system max net.core.somaxconn",
    ),
    "waitress, a value": (options_of("waitress", "--threads=many"), "invalid literal for int"),
    "granian, an option": (options_of("granian", "--bogus"), "No such option '--bogus'"),
    "cheroot, a value": (options_of("cheroot", "--timeout=soon"), "invalid int value: 'soon'"),
    "a command that exits": (
        own("python", "-c", "raise SystemExit('No licence for {bind}.')"),
        "No licence for 127.",
    ),
}


@pytest.mark.parallel
@pytest.mark.parametrize("case", REFUSALS)
def test_a_server_that_does_not_start_is_one_message_with_its_own_line(
    agent: Agent, case: str, tmp_path: Path
) -> None:
    worker, line = REFUSALS[case]
    if worker.server != "command" and not is_here(worker):
        pytest.skip(f"needs {worker.server} here")

    with running(agent, tmp_path, worker) as up, pytest.raises(EnvironmentFailure) as caught:
        up.driver().wait_ready(up.plan.upstreams)

    assert f"Replica {worker.name}-1" in str(caught.value)
    assert line in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parallel
@needs_waitress
def test_a_server_that_listens_elsewhere_is_a_message_with_its_own_line(
    agent: Agent, tmp_path: Path
) -> None:
    worker = own(
        "python", "-m", "waitress", "--host=127.99.99.99", "--port={port}", "{module}:application"
    )

    with running(agent, tmp_path, worker) as up, pytest.raises(EnvironmentFailure) as caught:
        up.driver(start_limit_s=6.0).wait_ready(up.plan.upstreams)

    assert "Serving on http://127.99.99.99" in str(caught.value)


@pytest.mark.parallel
def test_a_server_that_hangs_is_a_message(agent: Agent, tmp_path: Path) -> None:
    words = "import time; print('Warming up.', flush=True); time.sleep(600)  # {bind}"

    with (
        running(agent, tmp_path, own("python", "-c", words)) as up,
        pytest.raises(EnvironmentFailure) as caught,
    ):
        up.driver(start_limit_s=3.0).wait_ready(up.plan.upstreams)

    assert "Warming up." in str(caught.value)


@pytest.mark.parallel
def test_a_server_that_is_not_installed_is_told_before_anything_starts(
    agent: Agent, tmp_path: Path
) -> None:
    worker = replace(registry.worker_models()["waitress"], python="/no/such/python")

    with (
        pytest.raises(UsageError, match="There is no Python '/no/such/python'"),
        running(agent, tmp_path, worker),
    ):
        pass


@pytest.mark.parallel
def test_a_program_that_is_not_there_is_told_before_anything_starts(
    agent: Agent, tmp_path: Path
) -> None:
    worker = own("no-such-server", "{bind}")

    with pytest.raises(UsageError, match="not on PATH"), running(agent, tmp_path, worker):
        pass


# -- servers of the user's own ----------------------------------------------------------------

PYWSGI = (
    "from gevent import monkey; monkey.patch_all();"
    "from gevent.pywsgi import WSGIServer;"
    "from app.wsgi import application;"
    "WSGIServer(('{host}', {port}), application, log=None).serve_forever()"
)


@pytest.mark.parallel
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("python", "-c", PYWSGI), id="gevent's pywsgi"),
        pytest.param(
            ("python", "-m", "flask", "--app", "app.wsgi", "run", "--host={host}", "--port={port}"),
            id="Flask's development server",
        ),
    ],
)
def test_a_server_that_nobody_here_knows_serves_by_its_command_alone(
    agent: Agent, tmp_path: Path, words: tuple[str, ...]
) -> None:
    with running(agent, tmp_path, own(*words)) as up:
        up.driver().wait_ready(up.plan.upstreams)
        watched = keep_alive.watch(up.stack, up.plan)
        upstreams = keep_alive.bounded(up.plan.upstreams, up.plan, watched)
        up.stack.configure_proxy(upstreams)
        up.driver().prove_shares(upstreams)

    assert watched["own"].answered >= 1


@pytest.mark.parallel
def test_few_connections_and_many_users_do_not_hang(agent: Agent, tmp_path: Path) -> None:
    """waitress#301 and granian#789: a server that accepts no more while the proxy keeps its own."""
    limited = [
        replace(model, options=options)
        for name, options in (
            ("waitress", ("--connection-limit=100",)),
            ("granian", ("--backpressure=4",)),
        )
        if (model := HERE.get(name)) is not None
    ]
    if not limited:
        pytest.skip("needs waitress or granian here")
    with running(agent, tmp_path, *limited) as up:
        up.driver().wait_ready(up.plan.upstreams)
        watched = keep_alive.watch(up.stack, up.plan)
        up.stack.configure_proxy(keep_alive.bounded(up.plan.upstreams, up.plan, watched))
        statuses = {
            upstream.worker: [
                answer.status
                for _ in range(3)
                for answer in up.agent.fetch(
                    [f"http://{up.stack.proxy_host}:{upstream.port}/healthz"] * 120, timeout_s=20
                )
            ]
            for upstream in up.plan.upstreams
        }

    assert statuses == {worker.name: [200] * 360 for worker in limited}
    for worker in limited:
        note = keep_alive.note(worker, watched[worker.name])
        assert note is not None
        assert "opens a new one for each request" in note
