"""Replicas whose requests become cheaper are loaded until they are level."""

from __future__ import annotations

from dataclasses import replace

from loadtests.measurement.serving import jit_warmup
from loadtests.model.plan import Plan, TrialSpec
from loadtests.model.trial import Trial
from tests.loadtests.builders import make_plan, make_trial, make_usage
from tests.loadtests.fakes import FakeStack, World
from tests.loadtests.servers.captured import process

PLAN = make_plan(replica_counts=(1, 2))
PYPY = World(processes=lambda _: (process("pypy3 -m gunicorn shop:app"),))


def warmed(
    world: World, costs_us: list[float], plan: Plan = PLAN
) -> tuple[tuple[str, ...], list[int]]:
    """Return the notes, and the users of each window, where requests cost so much CPU."""
    users: list[int] = []

    def measure(spec: TrialSpec, count: int) -> Trial:
        cost_us = costs_us[min(len(users), len(costs_us) - 1)]
        users.append(count)
        usage = make_usage(cpu_s=1.0, completed=round(1e6 / cost_us))
        return replace(make_trial(spec=spec), usages=(usage,))

    notes = jit_warmup.warm_all(plan, FakeStack(world, plan), measure, lambda _: None)
    return notes, users


def test_windows_go_on_until_cpu_per_request_is_level_and_the_time_is_told() -> None:
    notes, users = warmed(PYPY, [2000, 1500, 1000, 800, 700, 690, 700])

    assert notes == (
        "gthread on cpu was warmed for 42 s, until CPU per request was level: 2,000 → 700 µs.",
    )
    assert users == [32] * 13  # two for each slot of both replicas


def test_what_is_never_level_is_left_to_the_rule_steady() -> None:
    notes, users = warmed(PYPY, [1000 * 0.9**step for step in range(80)])

    assert len(users) == jit_warmup.MOST_WINDOWS
    assert "was not level after 60 windows" in notes[0]
    assert "steady" in notes[0]


def test_an_ordinary_interpreter_is_not_warmed() -> None:
    world = World(processes=lambda _: (process("python3 -m gunicorn shop:app"),))

    assert warmed(world, [1000]) == ((), [])


UNDER_A_SMALL_BUDGET_US = (
    *(4489, 4484, 5104, 5554, 4271, 4064, 4488, 3801, 4836, 4525, 4101, 3852, 3603, 4240, 3939),
    *(3877, 3780, 3876),
)
"""CPU per request of PyPy under 0.1 CPU, by rounds over ten minutes."""


def test_what_goes_on_getting_cheaper_in_small_steps_is_not_level() -> None:
    costs = [*map(float, UNDER_A_SMALL_BUDGET_US)]

    assert not any(jit_warmup.is_level(costs[:count]) for count in range(len(costs) + 1))


def test_what_only_varies_is_level_after_ten_windows() -> None:
    costs = [3876.0, 3700.0, 4000.0, 3800.0, 3900.0] * 2

    assert not jit_warmup.is_level(costs[:9])
    assert jit_warmup.is_level(costs)


def test_pypy_of_a_command_is_warmed_although_the_projects_python_is_another_one() -> None:
    (worker,) = (replace(worker, server="command") for worker in PLAN.workers)
    tested = replace(PLAN.tested, implementation="CPython")
    plan = replace(PLAN, workers=(worker,), tested=tested)
    pypy = replace(plan, tested=replace(tested, implementation="PyPy"))
    venv = World(processes=lambda _: (process("/other/bin/python -m gunicorn shop:app"),))

    assert warmed(PYPY, [1000], plan)[1]
    assert not warmed(venv, [1000], pypy)[1]


def test_an_interpreter_that_only_its_import_named_is_warmed() -> None:
    world = World(processes=lambda _: (process("/shop/.venv/bin/python -m gunicorn shop:app"),))
    tested = replace(PLAN.tested, implementation="PyPy")

    assert warmed(world, [1000], replace(PLAN, tested=tested))[1]
