"""A whole gate of a user's own target on a stack in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from loadtests.gate.measurement.generator_pool import NEW_REQUEST
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideName
from loadtests.gate.options import GateOptions, models_of
from loadtests.gate.report import junit, markdown, terminal, verdict_json, wording
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import ProbeKind
from loadtests.model.errors import EnvironmentFailure, UnusableLoad, UsageError
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets import plain
from loadtests.targets.configuration import load
from tests.loadtests.fakes import Order
from tests.loadtests.fakes.gate import GateWorld, gunicorn_log, put_in_memory, slower_head
from tests.loadtests.gate.whole_gates import Gates
from tests.loadtests.measurement.user_load.check_trial_facts import attempt, bad, facts, step

TARGET = Target(
    kind=TargetKind.DOCKERFILE, given=".", name="shop", folder="/srv/shop", health="/ready"
)
BROWSE = load.of_requests("browse", tuple(map(load.of_line, ("3 GET /", "GET /search"))))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> GateWorld:
    made = GateWorld(rps=slower_head(0.0))
    made.logs = dict.fromkeys(SideName, gunicorn_log("sync", 2))
    put_in_memory(monkeypatch, made)
    return made


def project(**changed: Any) -> Project:
    return replace(plain.project(TARGET), workloads={"browse": BROWSE}, **changed)


def run(gates: Gates, **options: Any) -> GateResult:
    given: dict[str, Any] = {
        "project": project(),
        "workers": (plain.AS_STARTED,),
        "workload": "browse",
        "scaling": False,
    }
    return gates.run(options={**given, **options})


def test_it_is_headed_by_what_was_seen_to_run(gates: Gates) -> None:
    result = run(gates)

    assert result.verdict is GateVerdict.PASS
    assert result.titles == {"as-started": "as started: gunicorn sync, 2 workers"}
    for text in (markdown.render(result), junit.render(result)):
        assert "as started: gunicorn sync, 2 workers" in text
        assert "gthread" not in text
    assert wording.name(result.endpoints[0], result).startswith("as started: gunicorn sync")
    assert terminal.render(result).renderables
    assert "as-started: as started: gunicorn sync, 2 workers" in gates.said


def test_the_verdict_is_read_back_and_judged_to_the_byte(gates: Gates) -> None:
    result = run(gates)

    text = verdict_json.render(result)
    assert verdict_json.render(verdict_json.judge(verdict_json.parse(text, name="it"))) == text


def test_both_versions_are_asked_the_same_requests(gates: Gates, world: GateWorld) -> None:
    run(gates)

    windows = [order for order in world.trials if order["id"].startswith("p")]
    assert windows
    for order in windows:
        assert [entry["path"] for entry in order["requests"]] == ["/", "/search"]
    by_id: dict[tuple[str, str], set[int]] = {}
    for order in windows:
        by_id.setdefault((order["id"], order["mode"]), set()).add(order["seed"])
    pairs = list(by_id.values())
    assert len(windows) == 2 * len(pairs)
    assert all(len(seeds) == 1 for seeds in pairs)


def test_users_start_at_a_fresh_start_before_its_first_window(
    gates: Gates, world: GateWorld
) -> None:
    run(gates)

    first = [order["id"] for order in world.trials if order["id"].startswith(("p001", "r001"))]
    assert first[:2] == ["r001", "r001"]
    assert not any(name.startswith("r") for name in first[2:])


def test_a_head_whose_users_fail_before_their_first_task_has_regressed(
    gates: Gates, world: GateWorld
) -> None:
    """Such as a login that answers 500: what follows it may be answered all the same."""

    def starts(order: Order, members: Sequence[str]) -> tuple[int, int]:
        if not order["id"].startswith("r"):
            return 0, 0  # they live on
        return order["users"], order["users"] * members[0].startswith("head")

    world.starts = starts
    result = run(gates)

    (errors,) = (e for e in result.endpoints if e.endpoint is EndpointName.ERRORS)
    assert (result.verdict, errors.verdict) == (GateVerdict.REGRESSED,) * 2
    assert (errors.base, errors.head) == (0.0, 1.0)
    assert errors.reason == (
        "512 of 512 requests before a user's first task to head failed, 0 of 512 to base."
    )


def test_users_who_fail_to_begin_only_with_two_replicas_of_head_are_counted_too(
    gates: Gates, world: GateWorld
) -> None:
    def starts(order: Order, members: Sequence[str]) -> tuple[int, int]:
        users = order.get("users", 0)
        return users, users if members[0].startswith("head") and len(members) == 2 else 0

    world.starts = starts

    result = run(gates, scaling=True)

    assert result.verdict is GateVerdict.REGRESSED
    assert "before a user's first task to head at 2 replicas failed" in result.reason


@pytest.mark.parametrize("failed", [0, 1])
def test_users_who_begin_as_well_on_both_versions_are_no_regression(
    gates: Gates, world: GateWorld, failed: int
) -> None:
    world.starts = lambda order, _: (order.get("users") or 0, failed if order.get("users") else 0)

    assert run(gates).verdict is GateVerdict.PASS


def test_users_who_do_not_get_to_their_first_task_are_told_with_the_version(
    gates: Gates, world: GateWorld
) -> None:
    address = f"10.1.{list(SideName).index(SideName.BASE)}."

    def end(_: int) -> None:
        order = world.trials[-1]
        if order["id"].startswith("r") and address in order["base_url"]:
            raise UnusableLoad("Users end before their first task, in on_start or __init__.")

    world.before_trial = end

    with pytest.raises(UnusableLoad, match=r"^On base: Users end before their first task"):
        run(gates)


def test_the_first_users_are_the_slots_that_were_seen(gates: Gates, world: GateWorld) -> None:
    run(gates)

    first = next(order for order in world.trials if order["id"].startswith("calibrate"))
    assert first["users"] == 2


def test_readiness_is_asked_at_the_users_own_path(
    gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(gates)

    assert result.plan.health == "/ready"
    assert result.plan.asked == BROWSE
    assert result.plan.tested.kind is TargetKind.DOCKERFILE


def test_the_requests_of_the_load_are_asked_of_both_versions(gates: Gates) -> None:
    result = run(gates)

    asked = {(probe.side, probe.result.check) for probe in result.evidence.probes}
    assert {(side, f"GET {path}") for side in SideName for path in ("/", "/search")} <= asked
    assert all(probe.result.kind is not ProbeKind.DECLARED for probe in result.evidence.probes)


def test_a_declared_check_that_only_head_fails_is_a_regression(
    gates: Gates, world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loadtests.gate.analysis import consistency_guard
    from loadtests.model.consistency import SAMPLE_CHECKS, ProbeState

    judge = consistency_guard.judge

    def only_head_breaks(record: Any) -> Any:
        result = judge(record)
        broken = record.replicas[0].startswith("head")
        return replace(result, state=ProbeState.BREAKS if broken else ProbeState.OK)

    monkeypatch.setattr(consistency_guard, "judge", only_head_breaks)
    own = project(checks=(replace(SAMPLE_CHECKS[1], name="a login holds"),))

    result = run(gates, project=own)

    (answers,) = (e for e in result.endpoints if e.endpoint is EndpointName.ANSWERS)
    assert result.verdict is GateVerdict.REGRESSED
    assert answers.verdict is GateVerdict.REGRESSED
    assert "a login holds" in answers.reason
    assert answers.units == consistency_guard.TRIES


def test_a_request_that_base_does_not_answer_ends_it_before_anything_is_measured(
    gates: Gates, world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loadtests.measurement import check_trial

    def refuse(*_: object, **__: object) -> None:
        raise EnvironmentFailure("The load browse cannot be used as it is")

    monkeypatch.setattr(check_trial, "check", refuse)

    with pytest.raises(EnvironmentFailure, match="The load browse"):
        run(gates)
    assert world.trials == []
    assert world.open == 0


def test_a_request_that_comes_with_the_change_is_said_to_be_missing_on_base(
    gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = bad("/new", 404, target="/new", headers={}, body="")
    seen = facts(step("GET /new", attempt(missing)))
    monkeypatch.setattr(Agent, "check", lambda *_, **__: seen)

    with pytest.raises(UnusableLoad) as raised:
        run(gates)

    first, *_, last = str(raised.value).splitlines()
    assert first == "The load browse cannot be used as it is on base:"
    assert last.strip() == NEW_REQUEST


def test_two_variants_of_one_version_are_base_and_head(gates: Gates, world: GateWorld) -> None:
    world.logs = {}
    application = replace(TARGET, kind=TargetKind.IMPORT_STRING, given="shop:app")
    own = replace(plain.project(application), workloads={"browse": BROWSE})

    result = run(gates, project=own, variants=("gthread", "sync"))

    assert result.plan.workers == ("gthread-to-sync",)
    assert result.titles == {"gthread-to-sync": "gthread → sync"}
    seen = {side: entries[0].mode for side, entries in result.evidence.in_force.items()}
    assert seen == {SideName.BASE: "gthread", SideName.HEAD: "sync"}
    assert wording.again(result) == "twofold gate --seed 1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"variants": ("gthread", "sync", "gevent")}, "--variants has 3 names"),
        ({"variants": ("gthread", "sync"), "base": "main"}, "--base has no meaning"),
        ({"variants": ("gtread",)}, "Did you mean gthread?"),
        ({"variants": ("sync", "sync")}, "'sync' is given twice"),
    ],
)
def test_variants_that_cannot_be_compared_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        models_of(GateOptions(**options))


def test_one_variant_serves_both_versions() -> None:
    ((base, head),) = models_of(GateOptions(variants=("sync",))).values()

    assert (base.name, head.name) == ("sync", "sync")


def test_two_variants_of_the_sample_are_told_again(gates: Gates, world: GateWorld) -> None:
    world.logs = {}

    result = gates.run(options={"variants": ("gthread", "sync"), "scaling": False})

    assert result.titles == {"gthread-to-sync": "gthread → sync"}
    assert "--head 'default head' --variants gthread,sync" in wording.again(result)


def test_an_image_that_ignores_two_worker_models_is_measured_once(
    gates: Gates, world: GateWorld
) -> None:
    result = gates.run(options={"workers": ("gthread", "sync"), "scaling": False})

    assert result.plan.workers == ("gthread",)
    assert {pair.worker for pair in result.evidence.pairs} == {"gthread"}
    assert result.titles == {"gthread": "as started: gunicorn sync, 2 workers"}
    assert result.facts.differences[-1] == (
        "sync is not in force (as started: gunicorn sync, 2 workers), as gthread was not, so it is"
        " left out."
    )
    assert world.open == 0


def test_a_variant_with_a_python_of_its_own_is_refused() -> None:
    application = replace(TARGET, kind=TargetKind.IMPORT_STRING, given="shop:app")
    own = plain.project(application)
    on_pypy = replace(own.workers["sync"], name="on-pypy", python="pypy3")
    own = replace(own, workers={**own.workers, "on-pypy": on_pypy})

    for variants in (("on-pypy",), ("sync", "on-pypy")):
        with pytest.raises(UsageError, match="on-pypy asks for the Python pypy3"):
            models_of(GateOptions(project=own, variants=variants))
