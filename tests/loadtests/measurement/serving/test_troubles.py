"""What the replicas' logs tell after the load becomes notes on what serves."""

from __future__ import annotations

from loadtests.measurement.serving import in_force
from loadtests.model.tested.in_force import InForce
from loadtests.servers import registry
from tests.loadtests.fakes import FakeStack, World
from tests.loadtests.measurement.serving.test_in_force import STARTED, plan_for
from tests.loadtests.servers.captured import log
from tests.loadtests.servers.test_interpreter import WARNING


def test_time_outs_in_the_logs_are_notes_with_the_replica() -> None:
    plan = plan_for(registry.worker_models()["sync"])
    stack = FakeStack(World(), plan)
    stack.log_of = lambda member: log("gunicorn-timeout") if member == "sync-2" else ""  # type: ignore[method-assign]
    entry = InForce(worker="sync", server="gunicorn")

    (after,) = in_force.with_troubles(stack, (entry,))

    assert [note[:39] for note in after.notes] == ["sync-2: gunicorn wrote once: a worker a"]
    assert in_force.with_troubles(stack, (InForce(worker="sync", server=None),))[0].notes == ()


def test_a_gil_that_came_back_is_a_note_after_the_load() -> None:
    plan = plan_for(STARTED)
    stack = FakeStack(World(first_log=lambda _: WARNING), plan)

    (after,) = in_force.with_troubles(stack, (InForce(worker=STARTED.name, server=None),))

    assert after.notes[0].startswith("The GIL is on: greenlet._greenlet is not marked")
