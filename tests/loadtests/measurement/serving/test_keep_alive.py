from __future__ import annotations

import json
from dataclasses import replace

import pytest

from loadtests.config.options import Options
from loadtests.measurement.serving import keep_alive
from loadtests.model.errors import GeneratorFailure
from loadtests.model.plan import IdleConnections, Plan
from loadtests.model.tested.in_force import KeptConnections
from loadtests.planning.run_plan import make_plan
from loadtests.servers.idle_connections import ONE_EACH
from loadtests.targets import plain
from tests.loadtests.builders import make_machine
from tests.loadtests.fakes import FakeStack, World


def plan_for(*workers: str) -> Plan:
    options = Options(workers=workers, replicas=(1, 2))
    return make_plan(options, make_machine(), backend="fake", seed=1)


def as_started(plan: Plan) -> Plan:
    (model,) = plain.as_started().values()
    return replace(plan, workers=(replace(model, name=plan.workers[0].name),))


class Probe:
    """A probe that remembers its job and answers what a test says."""

    def __init__(self, **answers: KeptConnections) -> None:
        self.jobs: list[dict[str, object]] = []
        self._answers = answers

    def __call__(self, module: str, text: str) -> str:
        assert module == "loadtests.generator.keep_alive"
        self.jobs.append(json.loads(text))
        return json.dumps({name: vars(kept) for name, kept in self._answers.items()})


def kept(opened: int, answered: int, closed_after_s: float | None = None) -> KeptConnections:
    return KeptConnections(
        opened=opened, answered=answered, closed_after_s=closed_after_s, watched_s=5.0
    )


def test_our_own_gunicorn_is_not_asked() -> None:
    plan, probe = plan_for("gthread", "sync"), Probe()

    assert keep_alive.watch(FakeStack(World(run_module=probe), plan), plan) == {}
    assert probe.jobs == []


def test_our_own_gunicorn_is_watched_where_a_variable_may_say_how_long_it_keeps() -> None:
    plan, probe = plan_for("gthread"), Probe(gthread=kept(300, 300, closed_after_s=0.3))
    (model,) = plan.workers
    env = {"GUNICORN_CMD_ARGS": "--keep-alive 0.3"}
    plan = replace(plan, workers=(replace(model, env=env),))

    seen = keep_alive.watch(FakeStack(World(run_module=probe), plan), plan)
    bounded = keep_alive.bounded(plan.upstreams, plan, seen)

    assert len(probe.jobs) == 1
    assert {upstream.idle for upstream in bounded} == {ONE_EACH}


def test_one_replica_of_each_other_server_is_asked_for_the_health_path() -> None:
    plan, probe = plan_for("gthread", "waitress", "granian"), Probe(waitress=kept(300, 300))

    seen = keep_alive.watch(FakeStack(World(run_module=probe), plan), plan)

    assert seen == {"waitress": kept(300, 300)}
    assert probe.jobs == [
        {
            "replicas": {"waitress": "10.0.1.1:8000", "granian": "10.0.2.1:8000"},
            "path": "/healthz",
            "connections": 300,
            "watch_s": 4.0,
        }
    ]


def test_a_probe_that_writes_nonsense_is_a_message() -> None:
    plan = plan_for("waitress")

    with pytest.raises(GeneratorFailure, match="The keep-alive probe wrote 'oops'"):
        keep_alive.watch(FakeStack(World(run_module=lambda *_: "oops"), plan), plan)


def test_each_upstream_keeps_what_its_own_server_allows() -> None:
    plan = plan_for("gthread", "granian", "uwsgi-threads")

    upstreams = keep_alive.bounded(plan.upstreams, plan, {})

    assert {upstream.worker: upstream.idle for upstream in upstreams} == {
        "gthread": IdleConnections(timeout_s=37.5),
        "granian": IdleConnections(timeout_s=15),
        "uwsgi-threads": ONE_EACH,
    }
    assert [upstream.port for upstream in upstreams] == [up.port for up in plan.upstreams]


@pytest.mark.parametrize(
    ("closes_s", "idle"), [(0.3, ONE_EACH), (2.0, IdleConnections(timeout_s=1.0))]
)
def test_an_image_that_closes_before_the_proxy_may_gets_a_new_connection_for_each_request(
    closes_s: float, idle: IdleConnections
) -> None:
    plan = as_started(plan_for("gthread"))

    upstreams = keep_alive.bounded(plan.upstreams, plan, {"gthread": kept(300, 300, closes_s)})

    assert {upstream.idle for upstream in upstreams} == {idle}


def test_few_connections_are_told() -> None:
    (worker,) = as_started(plan_for("gthread")).workers

    assert keep_alive.note(worker, kept(300, 300)) is None
    assert keep_alive.note(worker, kept(98, 97)) == (
        "gthread keeps at most 97 connections open, so the proxy opens a new one for each request."
    )


def test_a_first_page_that_came_too_late_is_not_told_as_a_limit_of_connections() -> None:
    (granian,) = plan_for("granian").workers
    (unknown,) = as_started(plan_for("gthread")).workers

    assert keep_alive.note(granian, kept(1, 0)) is None
    assert keep_alive.note(unknown, kept(1, 0)) == (
        "gthread did not answer the question about its idle connections in time, so nothing is"
        " known of them, and the proxy opens a new one for each request."
    )
