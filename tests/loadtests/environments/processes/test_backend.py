"""The embedded backend, as the pipeline uses it. Needs nginx and the application's packages."""

import contextlib
import json
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from loadtests.environments.processes import cpu_limits
from loadtests.environments.processes.backend import ProcessesBackend, ProcessesStack
from loadtests.environments.processes.replicas.starter import Starter
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.server_counters import ServerCounters
from loadtests.measurement.serving.proxy_connections import ProxyConnections
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import Plan
from loadtests.model.vocabulary import Role
from loadtests.tools import cgroup, host, nginx, proc
from tests import needs
from tests.loadtests.builders import make_budget, make_plan
from tests.loadtests.clashing_folder import clashing
from tests.loadtests.environments.processes.stack_to_kill import ROOT, wait_ready

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parallel,
    needs.PROCESSES,
]
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def plan_for(workers: tuple[str, ...]) -> Plan:
    """A small plan with budgets where this machine can set them."""
    can_budget = cpu_limits.find("test").can_budget
    cores = host.usable_cores()
    budget = make_budget(
        replica_cpus=0.2 if can_budget else None,
        replica_cores=cores[-1:] if host.can_pin() else (),
        service_cores=cores[:1] if host.can_pin() else (),
    )
    return make_plan(
        workers=workers, replica_counts=(1, 2), rounds=2, backend="processes", budget=budget
    )


@dataclass
class Running:
    plan: Plan
    stack: ProcessesStack
    agent: Agent
    folder: Path

    def url(self, port: int, path: str) -> str:
        return f"http://{self.stack.proxy_host}:{port}{path}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A stack of all worker models with its generator, in a folder of modules named like ours."""
    folder = tmp_path_factory.mktemp("run")
    plan = plan_for(("gthread", "sync", "gevent"))
    with (
        contextlib.chdir(clashing(tmp_path_factory.mktemp("project"))),
        ProcessesBackend(ROOT).open(plan, folder, lambda line: None) as stack,
        stack.start_generator() as child,
    ):
        agent = Agent(child)
        agent.hello()
        wait_ready(stack, agent)
        stack.configure_proxy(plan.upstreams)
        yield Running(plan=plan, stack=stack, agent=agent, folder=folder)


def test_every_replica_of_every_model_answers_as_itself(running: Running) -> None:
    replicas = running.stack.replicas
    urls = [f"http://{replica.address}/whoami" for replica in replicas]

    answers = running.agent.fetch(urls)

    assert [replica.name for replica in replicas] == [
        *("gthread-1", "gthread-2", "sync-1", "sync-2", "gevent-1", "gevent-2")
    ]
    for replica, answer in zip(replicas, answers, strict=True):
        assert f'"replica":"{replica.name}"' in answer.body.replace(" ", "")
        assert f'"worker_model":"{replica.worker}"' in answer.body.replace(" ", "")


def test_a_module_of_the_generator_imports_nothing_from_the_current_folder(
    running: Running,
) -> None:
    job = {"replicas": {}, "path": "/", "connections": 1, "watch_s": 0}

    answer = running.stack.run_module("loadtests.generator.keep_alive", json.dumps(job))

    assert json.loads(answer) == {}


def test_each_port_of_the_proxy_passes_to_exactly_its_members_in_equal_shares(
    running: Running,
) -> None:
    addresses = {
        (replica.worker, replica.number): replica.address for replica in running.stack.replicas
    }
    for upstream in running.plan.upstreams:
        count = len(upstream.members)
        answers = running.agent.fetch([running.url(upstream.port, "/healthz")] * (4 * count))
        shares = Counter(answer.headers["x-upstream-addr"] for answer in answers)
        assert shares == {addresses[(upstream.worker, number)]: 4 for number in upstream.members}


def test_a_new_worker_of_the_proxy_has_no_connections_of_the_old_one(running: Running) -> None:
    port = running.plan.upstreams[0].port
    with socket.create_connection((running.stack.proxy_host, port), timeout=10) as user:
        user.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert user.recv(65536).startswith(b"HTTP/1.1 200 ")
        before, identities = proxy_worker(running), running.stack.identities()

        counters = ServerCounters(running.stack, running.agent)
        ProxyConnections(running.stack, running.agent, counters).close_all()

        while user.recv(65536):
            pass  # what was left of the answer
    assert proxy_worker(running) != before
    assert running.stack.identities() == identities
    (answer,) = running.agent.fetch([running.url(port, "/healthz")])
    assert answer.status == 200


def test_a_process_that_is_not_the_proxys_is_left_alone(running: Running) -> None:
    with proc.Child(("sleep", "60"), log=running.folder / "sleep.log") as other:
        running.stack.end_proxy_worker(other.pid)
        proc.sleep(0.1)

        assert other.code is None


def proxy_worker(running: Running) -> int:
    url = running.stack.status_url.replace("/status", "/worker")
    return int(running.agent.fetch([url])[0].body)


def test_the_proxy_counts_its_requests_where_it_was_built_to(running: Running) -> None:
    url = running.stack.status_url
    first, second = (running.agent.fetch([url])[0] for _ in range(2))

    if first.status == 404:
        pytest.skip("this nginx has no stub_status")
    counts = [nginx.parse_status(answer.body).requests for answer in (first, second)]
    assert counts[1] - counts[0] == 1


def test_work_is_read_at_the_replica_that_did_it_alone(running: Running) -> None:
    names = [replica.name for replica in running.stack.replicas]
    address = running.stack.replicas[0].address
    before = {reading.member: reading for reading in running.stack.read(names)}
    running.agent.fetch([f"http://{address}/cpu"] * 40)
    after = {reading.member: reading for reading in running.stack.read(names)}

    used = {name: after[name].cpu_s - before[name].cpu_s for name in names}
    assert max(used, key=lambda name: used[name]) == "gthread-1"
    assert used["gthread-1"] > 10 * max(used[name] for name in names[1:])


def test_all_members_can_be_read_with_their_roles(running: Running) -> None:
    names = [*(replica.name for replica in running.stack.replicas), "proxy", "generator"]

    readings = running.stack.read(names)

    assert [reading.member for reading in readings] == names
    assert [reading.role for reading in readings[-3:]] == [Role.REPLICA, Role.PROXY, Role.GENERATOR]
    assert all(reading.cpu_s > 0 for reading in readings)
    assert all((reading.memory_bytes or 0) > 2**20 for reading in readings)
    assert running.stack.read(["nobody"]) == ()


@linux
def test_replicas_are_held_to_the_budget_of_the_plan(running: Running) -> None:
    if running.plan.budget.replica_cpus is None:
        pytest.skip("no budget can be set here")
    before = running.stack.read(["sync-1"])[0]
    running.agent.fetch([f"http://{running.stack.replicas[2].address}/cpu?ms=20"] * 200)
    after = running.stack.read(["sync-1"])[0]

    assert (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s) <= 0.25
    assert (after.throttled_periods or 0) > (before.throttled_periods or 0)


def test_identities_name_all_processes_of_a_replica_and_stay(running: Running) -> None:
    first, second = running.stack.identities(), running.stack.identities()

    assert first == second
    assert "generator" not in first
    for worker in running.plan.workers:
        master_and_workers = first[f"{worker.name}-1"].split()
        assert len(master_and_workers) == 1 + worker.processes
    assert len(first["proxy"].split()) == 1


def test_each_worker_model_has_an_idle_control_that_is_no_replica(running: Running) -> None:
    names = ("gthread-0", "sync-0", "gevent-0")

    assert running.stack.idle_controls() == names
    assert not {*names} & {replica.name for replica in running.stack.replicas}
    assert not {*names} & running.stack.identities().keys()
    assert [reading.member for reading in running.stack.read(names)] == [*names]
    assert "Booting worker" in running.stack.log_of("sync-0")
    assert running.stack.notes == ()


@linux
def test_an_idle_control_has_the_budget_of_a_replica(running: Running) -> None:
    if running.plan.budget.replica_cpus is None:
        pytest.skip("no budget can be set here")
    limits = []
    for name in ("gthread-0", "gthread-1"):
        group = cgroup.group_of(int(running.stack.processes_of(name)[0].pid))
        assert group is not None
        limits.append(cgroup.cpu_limit(group))

    assert limits == [pytest.approx(0.2, rel=0.05)] * 2


def test_an_idle_control_that_dies_is_noted_once_and_ends_nothing(tmp_path: Path) -> None:
    plan = plan_for(("gthread",))
    with ProcessesBackend(ROOT).open(plan, tmp_path, lambda line: None) as stack:
        (process, *_) = stack.processes_of("gthread-0")
        os.kill(process.pid, signal.SIGKILL)
        proc.wait_until(lambda: stack.idle_controls() == (), limit_s=10, failure="it lives")

        assert stack.idle_controls() == ()
        (note,) = stack.notes
        assert note.startswith("The idle control gthread-0 does not run: gthread with an empty")


def test_an_idle_control_that_cannot_be_started_is_noted_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise EnvironmentFailure("no room")

    monkeypatch.setattr(Starter, "start_control", refused)

    with ProcessesBackend(ROOT).open(plan_for(("gthread",)), tmp_path, lambda _: None) as stack:
        assert stack.idle_controls() == ()
        assert len(stack.notes) == 1


def test_a_members_log_is_in_the_runs_folder(running: Running) -> None:
    assert "Booting worker" in running.stack.log_of("sync-1")
    assert (running.folder / "logs/sync-1.log").is_file()
    assert running.stack.log_of("nobody") == "(no log)"


def test_the_proxy_can_be_configured_anew_while_it_runs(running: Running) -> None:
    upstream = running.plan.upstreams[0]
    port = max(other.port for other in running.plan.upstreams) + 1

    running.stack.configure_proxy([*running.plan.upstreams, replace(upstream, port=port)])

    (answer,) = running.agent.fetch([running.url(port, "/healthz")])
    assert answer.status == 200


# -- what is not as it should be --------------------------------------------------------------
