"""Runs a gate's stages: versions, stack, measurement, verdict, result files."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from loadtests.environments.compose import images
from loadtests.environments.compose.images import ServiceImages
from loadtests.environments.compose.machine import docker_machine, lock_scope
from loadtests.environments.guards import machine_lock
from loadtests.environments.protocol import Say
from loadtests.gate import appending, named_versions, plan, versions
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.result import GateFacts, GateResult
from loadtests.gate.options import is_users
from loadtests.gate.recorder import Recorder
from loadtests.gate.request import GateRequest
from loadtests.gate.tested import versions as own_versions
from loadtests.gate.tested.versions import Workshop
from loadtests.gate.versions import Sides
from loadtests.gate.worker_measurement import WorkerMeasurement
from loadtests.measurement import check_trial
from loadtests.model.errors import UnusableLoad
from loadtests.model.machine import Machine
from loadtests.results import run_folder
from loadtests.results.run_folder import Store
from loadtests.tools import docker, docker_compose, proc, signals, temporary
from loadtests.tools.docker_compose import Compose


def run(request: GateRequest, say: Say) -> tuple[GateResult, Path]:
    """Compare two versions, and return the result and the gate's folder.

    The stacks are always taken down, and ``verdict.json`` has all measurements, even after an
    error. A version that does not exist is told before it waits for another run.
    """
    with closing(docker.Engine()) as engine:
        named_versions.find_both(engine, request.here, request.options, pull=False)
    with (
        machine_lock.held(lock_scope(), say, wait=request.wait) as lock,
        # The files of commits have to stay: a version's services may have some of them mounted.
        temporary.folder("gate") as place,
    ):
        return _run_in(place, request, say, lock)


def _run_in(
    place: Path, request: GateRequest, say: Say, lock: machine_lock.Held
) -> tuple[GateResult, Path]:
    started_at_s, started_s = proc.now_s(), proc.monotonic_s()
    with closing(docker.Engine()) as engine:
        compose = docker_compose.find_compose()
        machine = docker_machine(engine, compose)
        gate_plan = _planned(request, machine)
        told = check_trial.read_ahead([gate_plan.asked] if gate_plan.asked else [], Path.cwd())
        sides = _sides(engine, compose, request, place, say)
        services = images.build_services(engine, request.root, say=say)
    if request.append is not None:
        appending.check_same(request.append, sides)
    store = _folder(request, started_at_s)
    lock.note(store.folder)
    facts = GateFacts(
        gate_id=store.folder.name,
        started_at=datetime.fromtimestamp(started_at_s, UTC).isoformat(timespec="seconds"),
        command=request.command,
        wall_s=0.0,
        finished=False,
        differences=(*sides.differences, *told),
        remarks=versions.remarks_on(sides, request.options),
        identical=sides.identical and request.append is None and request.options.head is None,
    )
    earlier = request.append.evidence if request.append else None
    evidence = replace(earlier, sessions=earlier.sessions + 1) if earlier else Evidence()
    recorder = Recorder(
        store=store,
        facts=facts,
        machine=machine,
        sides=sides,
        plan=gate_plan,
        evidence=evidence,
    )
    for line in (*facts.differences, *facts.remarks):
        say(line)
    return _measured(recorder, request, services, started_s, say), store.folder


def _measured(
    recorder: Recorder, request: GateRequest, services: ServiceImages, started_s: float, say: Say
) -> GateResult:
    """Measure each worker model, and write and return the result."""
    try:
        for worker in () if recorder.facts.identical else recorder.plan.workers:
            WorkerMeasurement(
                worker=worker, request=request, services=services, recorder=recorder, say=say
            ).run()
        signals.check()
    except UnusableLoad as error:
        if (result := recorder.ended_early(error, _since(started_s))) is None:
            raise
        say(error.early_end)
        return result
    except BaseException:
        with suppress(Exception):  # the original error is the one to report
            recorder.write_all()
        raise
    recorder.facts = replace(recorder.facts, wall_s=_since(started_s), finished=True)
    return recorder.write_all()


def _since(started_s: float) -> float:
    """Return the seconds from a moment of the monotonic clock, as a result has them."""
    return round(proc.monotonic_s() - started_s, 1)


def _planned(request: GateRequest, machine: Machine) -> GatePlan:
    gate_plan = plan.make_plan(request.options, machine, seed=request.seed)
    if request.append is None:
        return gate_plan
    return appending.continued(request.append, gate_plan)


def _sides(
    engine: docker.Engine, compose: Compose, request: GateRequest, place: Path, say: Say
) -> Sides:
    options = request.options
    # Half of the memory: a stranger's build must not take the machine from the others on it.
    words = docker.build_limits(
        network=options.build_network, memory_bytes=int(engine.facts()["MemTotal"]) // 2
    )
    named = named_versions.find_both(engine, request.here, options)
    if is_users(options):
        shop = Workshop(
            engine=engine,
            compose=compose,
            root=request.root,
            here=request.here,
            folder=(options.folder or request.here).resolve(),
            temporary=place,
            say=say,
            build_words=words,
            start_limit_s=options.start_limit_s,
        )
        return own_versions.build(shop, named, options, options.environments)
    return versions.build(
        engine, request.root, request.here, named, options.environments, say, words
    )


def _folder(request: GateRequest, started_at_s: float) -> Store:
    name = f"gate-{run_folder.new_run_id(started_at_s, request.seed)}"
    store = Store.create(request.results, name)
    if not request.keep_samples:
        (store.folder / run_folder.SAMPLES).rmdir()
    return store
