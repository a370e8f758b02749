import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from loadtests.config.options import Options
from loadtests.environments.keep_awake import Awake
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.driver import NOTHING_AWAKE, Driver
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import SAMPLE_CHECKS
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.generator_records import Load, RawTrial
from loadtests.model.plan import IdleConnections, TrialSpec
from loadtests.model.stack import ReplicaState
from loadtests.planning.run_plan import make_plan
from loadtests.tools import proc
from tests.loadtests.builders import make_machine
from tests.loadtests.fakes import FakeStack, ScriptedChild, World

OPTIONS = replace(Options(), workers=("gthread",), replicas=(1, 2))
PLAN = make_plan(OPTIONS, make_machine(), backend="fake", seed=1)
ALONE = next(upstream for upstream in PLAN.upstreams if len(upstream.members) == 1)
TOGETHER = next(upstream for upstream in PLAN.upstreams if len(upstream.members) == 2)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = iter(range(10**6))
    monkeypatch.setattr(proc, "monotonic_s", lambda: float(next(moment)))
    monkeypatch.setattr(proc, "sleep", lambda _: None)


def a_driver(
    world: World,
    generator: ScriptedChild | None = None,
    awake: Awake = NOTHING_AWAKE,
    **options: Any,
) -> Driver:
    stack = FakeStack(world, PLAN)
    stack.configure_proxy(PLAN.upstreams)
    agent = Agent(generator or stack.start_generator())
    return Driver(stack, agent, Metronome(stack.start_metronome()), awake, **options)


def measured(driver: Driver, *, users: int = 4) -> RawTrial:
    spec = next(spec for planned in PLAN.rounds for spec in planned if spec.port == TOGETHER.port)
    load = Load(
        id=spec.id,
        base_url=driver.base_url(spec.port),
        path="/cpu",
        users=users,
        settle_s=0.5,
        window_s=1.0,
        drain_limit_s=15.0,
    )
    return driver.measure(spec, load)


def fetching(*answers: dict[str, Any]) -> ScriptedChild:
    """Give a generator that fetches these answers one after the other, whatever is asked for."""
    rest = iter(answers)

    def answer(line: str) -> Iterator[str]:
        urls = json.loads(line)["urls"]
        fetched = [{"url": url, "headers": {}, "body": "", **next(rest)} for url in urls]
        yield json.dumps({"event": "fetched", "answers": fetched})

    return ScriptedChild(answer)


UP, DOWN, FAILING = {"status": 200}, {"status": None, "error": "refused"}, {"status": 503}


def test_replicas_are_asked_until_each_has_answered_once() -> None:
    generator = fetching(DOWN, UP, DOWN, UP)

    a_driver(World(), generator).wait_ready(PLAN.upstreams)

    asked = [json.loads(line)["urls"] for line in generator.sent]
    first, second = "http://10.0.0.1:8000/healthz", "http://10.0.0.2:8000/healthz"
    assert asked == [[first, second], [first], [first]]


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (DOWN, r"did not answer GET /healthz in 9\d s \(refused\)"),
        (FAILING, r"answers GET /healthz with 503, and did so for 9\d s"),
    ],
)
def test_a_replica_that_never_answers_is_named_with_its_log(
    answer: dict[str, Any], what: str
) -> None:
    generator = fetching(UP, *[answer] * 1000)

    with pytest.raises(EnvironmentFailure) as failure:
        a_driver(World(), generator).wait_ready(PLAN.upstreams)

    message = str(failure.value)
    assert re.match(rf"Replica gthread-2 of 2 {what}\.\n", message)
    assert message.endswith("The end of its log:\nthe log of gthread-2")


def test_the_start_limit_is_how_long_replicas_may_take() -> None:
    driver = a_driver(World(), fetching(*[DOWN] * 1000), start_limit_s=300.0)

    with pytest.raises(EnvironmentFailure, match=r"\(and 1 more\) of 2 did not answer .* 30\d s"):
        driver.wait_ready(PLAN.upstreams)


def test_a_replica_that_ends_before_it_answers_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = fetching(UP, DOWN)
    monkeypatch.setattr(FakeStack, "identities", lambda _: {"gthread-1": "a container"})

    world = World(states={"gthread-2": ReplicaState(exit_code=3)})
    with pytest.raises(EnvironmentFailure) as failure:
        a_driver(world, generator).wait_ready(PLAN.upstreams)

    assert str(failure.value) == (
        "Replica gthread-2 of 2 ended with code 3 before it answered.\n"
        "The end of its log:\nthe log of gthread-2"
    )


def test_an_answer_that_is_an_error_of_the_caller_is_an_answer() -> None:
    a_driver(World(), fetching({"status": 404}, {"status": 404})).wait_ready(PLAN.upstreams)


def test_a_proxy_that_never_answers_is_told_with_its_log() -> None:
    with pytest.raises(EnvironmentFailure, match=r"(?s)proxy did not answer.*the log of proxy"):
        a_driver(World(), fetching(*[DOWN] * 1000)).wait_for_proxy()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("malformed", "what came is no answer of HTTP/1.1; it may speak HTTP/2 or TLS"),
        ("reset", "the connection was reset"),
        ("ECONNREFUSED", "ECONNREFUSED"),
    ],
)
def test_a_deployment_that_does_not_answer_is_told_with_what_came_instead(
    monkeypatch: pytest.MonkeyPatch, error: str, told: str
) -> None:
    monkeypatch.setattr(FakeStack, "status_url", None)
    answers = [{"status": None, "error": "EHOSTUNREACH"}, *[{"status": None, "error": error}] * 999]

    with pytest.raises(EnvironmentFailure) as failure:
        a_driver(World(), fetching(*answers)).wait_ready(PLAN.upstreams)

    url = f"http://proxy:{PLAN.upstreams[0].port}/healthz"
    assert str(failure.value).startswith(
        f"The deployment did not answer at {url} in 20 s. The last time: {told}"
    )
    assert "proxy did not" not in str(failure.value)
    assert "log" not in str(failure.value)


def test_a_deployment_that_answers_with_an_error_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeStack, "status_url", None)

    a_driver(World(), fetching(DOWN, {"status": 503})).wait_ready(PLAN.upstreams)


def test_shares_are_proven_port_by_port() -> None:
    world = World()

    a_driver(world).prove_shares(PLAN.upstreams)

    assert world.proxy_requests == sum(len(upstream.members) for upstream in PLAN.upstreams)


@pytest.mark.parametrize(
    "headers",
    [{"x-upstream-addr": "10.0.0.1:8000"}, {"x-upstream-addr": "10.9.9.9:8000"}, {}],
)
def test_a_port_that_passes_elsewhere_is_refused_with_both_lists(headers: dict[str, str]) -> None:
    generator = fetching(*[{"status": 200, "headers": headers}] * 2)

    with pytest.raises(EnvironmentFailure) as failure:
        a_driver(World(), generator).prove_shares([TOGETHER])

    assert f"Port {TOGETHER.port}" in str(failure.value)
    assert "10.0.0.1:8000, 10.0.0.2:8000 in turn" in str(failure.value)
    assert f"but {headers.get('x-upstream-addr', 'nobody')}" in str(failure.value)


def test_a_trial_is_seen_with_all_its_edges_counts_and_names() -> None:
    raw = measured(a_driver(World()), users=8)

    assert raw.users == 8
    assert raw.addresses == {"10.0.0.1:8000": "gthread-1", "10.0.0.2:8000": "gthread-2"}
    # 100 a second while there is load (1.5 s), and the answers that eight users still wait for.
    assert raw.proxy_requests == raw.replica_requests == raw.finished.sent == 158
    assert raw.closed.members[0].at_s - raw.opened.members[0].at_s == pytest.approx(1.0)
    assert raw.identities["gthread-1"] == "container gthread-1"


def test_the_counters_of_every_member_are_read_at_both_edges() -> None:
    raw = measured(a_driver(World()))

    expected = ["gthread-1", "gthread-2", "proxy", "generator", "metronome"]
    assert [reading.member for reading in raw.opened.members] == expected
    assert [reading.member for reading in raw.closed.members] == expected
    assert raw.opened.host is not None


def test_the_metronome_is_believed_only_while_its_cores_are_kept_awake() -> None:
    awake, asleep = Awake(os.getpid()), Awake(None)

    assert measured(a_driver(World(), awake=awake)).opened.pulse is not None
    assert measured(a_driver(World(), awake=asleep)).opened.pulse is None


def test_what_keeps_the_cores_awake_counts_as_the_harness_own() -> None:
    awake = Awake(os.getpid())  # as if this process, which has used some, were it

    assert awake.cpu_s() > 0.05
    raw = measured(a_driver(World(), awake=awake))
    assert raw.opened.harness_cpu_s > awake.cpu_s()


def test_a_single_replicas_port_is_not_that_of_the_pair() -> None:
    driver = a_driver(World())

    assert driver.base_url(ALONE.port) == f"http://proxy:{ALONE.port}"
    assert ALONE.port != TOGETHER.port


@pytest.mark.parametrize("idle", [None, IdleConnections(timeout_s=15)])
def test_the_proxys_connections_are_closed_between_trials_where_it_keeps_them(
    idle: IdleConnections | None,
) -> None:
    world = World()
    generator = FakeStack(world, PLAN).start_generator()
    assert isinstance(generator, ScriptedChild)
    driver = a_driver(world, generator)
    driver.proxy.configure([replace(upstream, idle=idle) for upstream in PLAN.upstreams])

    raws = [measured(driver), measured(driver)]

    first, second = (json.loads(line) for line in generator.sent if '"trial"' in line)
    assert world.proxy_worker == 1000 + (2 if idle else 0)
    assert "reconnect" not in first
    assert ("reconnect" in second) == bool(idle)
    assert [raw.proxy_requests for raw in raws] == [raw.finished.sent for raw in raws]


def test_behind_another_proxy_a_load_on_other_replicas_goes_over_new_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    generator = FakeStack(world, PLAN).start_generator()
    assert isinstance(generator, ScriptedChild)
    monkeypatch.setattr(FakeStack, "status_url", None)
    driver = a_driver(world, generator)
    measured(driver)
    measured(driver)

    def scaled(stack: FakeStack, _: object) -> None:
        replicas = stack.world.replicas
        name = next(iter(replicas))
        replicas[name] = replace(replicas[name], identity="another")

    monkeypatch.setattr(FakeStack, "activate", scaled)
    measured(driver)
    loads = [json.loads(line) for line in generator.sent if '"trial"' in line]

    assert ["reconnect" in load for load in loads] == [False, False, True]
    assert world.proxy_worker == 1000


def test_declared_checks_are_made_with_the_most_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment that hooks scale has the fewest replicas until something else is asked for."""
    activated: list[TrialSpec] = []
    monkeypatch.setattr(FakeStack, "activate", lambda _, spec: activated.append(spec))

    a_driver(World(state="store")).probe(PLAN, SAMPLE_CHECKS)

    assert [(spec.cell.worker, spec.cell.replicas, spec.members) for spec in activated] == [
        ("gthread", 2, (1, 2))
    ]


def test_without_declared_checks_nothing_is_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    activated: list[TrialSpec] = []
    monkeypatch.setattr(FakeStack, "activate", lambda _, spec: activated.append(spec))

    assert a_driver(World(state="store")).probe(PLAN, ()) == ()
    assert activated == []
