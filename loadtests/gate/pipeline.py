"""Runs a gate's stages: versions, stack, measurement, verdict, result files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from loadtests.environments.compose import images
from loadtests.environments.compose.images import ServiceImages
from loadtests.environments.compose.machine import docker_machine, lock_scope
from loadtests.environments.guards import machine_lock
from loadtests.environments.keep_awake import AWAKE_LOG, kept_awake
from loadtests.environments.protocol import Say
from loadtests.gate import appending, plan, result_files, versions
from loadtests.gate.analysis import aa_noise, heading, verdict
from loadtests.gate.generator_pool import GeneratorPool, Key
from loadtests.gate.looks import START_BYTES, Session
from loadtests.gate.model import Evidence, GateFacts, GatePlan, GateResult, SideName
from loadtests.gate.options import GateOptions, is_users
from loadtests.gate.pair_runner import PairRunner
from loadtests.gate.profiling import profiler
from loadtests.gate.profiling.profiler import FunctionProfiler
from loadtests.gate.report import verdict_json
from loadtests.gate.scaling_blocks import BlockRunner
from loadtests.gate.stack import GateStack, open_stack, starts_of
from loadtests.gate.tested import resetting, serving
from loadtests.gate.tested import versions as own_versions
from loadtests.gate.tested.serving import Serving
from loadtests.gate.tested.versions import Workshop
from loadtests.gate.versions import Named, Sides
from loadtests.measurement import check_trial
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import UnusableLoad
from loadtests.model.machine import Machine
from loadtests.results import run_folder
from loadtests.results.run_folder import Store
from loadtests.tools import docker, docker_compose, proc, signals, temporary
from loadtests.tools.docker_compose import Compose


@dataclass(frozen=True, kw_only=True)
class GateRequest:
    """A gate to run; ``calibrate`` measures the same starts repeatedly.

    ``functions_only`` profiles the functions of fresh starts and measures nothing else. Without
    ``wait`` it fails if another run or gate measures on this machine.
    """

    options: GateOptions
    seed: int
    root: Path
    here: Path
    results: Path
    command: str
    append: GateResult | None = None
    calibrate: bool = False
    functions_only: bool = False
    keep_samples: bool = False
    wait: bool = True


def run(request: GateRequest, say: Say) -> tuple[GateResult, Path]:
    """Compare two versions, and return the result and the gate's folder.

    The stacks are always taken down, and ``verdict.json`` has all measurements, even after an
    error. A version that does not exist is told before it waits for another run.
    """
    engine = docker.Engine()
    try:
        _named(engine, request, pull=False)
    finally:
        engine.close()
    with machine_lock.held(lock_scope(), say, wait=request.wait) as lock:
        return _run(request, say, lock)


def _run(request: GateRequest, say: Say, lock: machine_lock.Held) -> tuple[GateResult, Path]:
    # The files of commits have to stay: a version's services may have some of them mounted.
    with temporary.folder("gate") as place:
        return _run_in(place, request, say, lock)


def _run_in(
    place: Path, request: GateRequest, say: Say, lock: machine_lock.Held
) -> tuple[GateResult, Path]:
    started_at_s, started_s = proc.now_s(), proc.monotonic_s()
    engine = docker.Engine()
    try:
        compose = docker_compose.find_compose()
        machine = docker_machine(engine, compose)
        gate_plan = _planned(request, machine)
        told = check_trial.read_ahead([gate_plan.asked] if gate_plan.asked else [], Path.cwd())
        sides = _sides(engine, compose, request, place, say)
        services = images.build_services(engine, request.root, say=say)
    finally:
        engine.close()
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
    gate = _Gate(store, facts, machine, sides, services, gate_plan, evidence)
    for line in (*facts.differences, *facts.remarks):
        say(line)
    try:
        for worker in () if facts.identical else gate_plan.workers:
            gate.measure(worker, request, say)
        signals.check()
    except UnusableLoad as error:
        if (result := gate.ended_early(error, round(proc.monotonic_s() - started_s, 1))) is None:
            raise
        say(error.early_end)
        return result, store.folder
    except BaseException:
        with suppress(Exception):  # the original error is the one to report
            gate.write_all()
        raise
    gate.facts = replace(gate.facts, wall_s=round(proc.monotonic_s() - started_s, 1), finished=True)
    return gate.write_all(), store.folder


@dataclass
class _Gate:
    """A gate in progress, and the folder with its results."""

    _store: Store
    facts: GateFacts
    _machine: Machine
    _sides: Sides
    _services: ServiceImages
    _plan: GatePlan
    _evidence: Evidence

    def conclude(self) -> GateResult:
        """Return the result of the evidence so far."""
        sides = (self._sides.base, self._sides.head)
        return verdict.conclude(self.facts, self._machine, sides, self._plan, self._evidence)

    def keep(self, evidence: Evidence) -> None:
        """Write the evidence so far to ``verdict.json``."""
        self._evidence = evidence
        self._store.write(result_files.VERDICT, verdict_json.render(self.conclude()))

    def write_all(self) -> GateResult:
        """Write all files of the gate, and return the result."""
        result = self.conclude()
        result_files.write_all(self._store, result)
        return result

    def ended_early(self, error: UnusableLoad, wall_s: float) -> GateResult | None:
        """Write all files; return the result if tries show that head breaks."""
        facts, told = self.facts, error.early_end
        self.facts = replace(facts, differences=(*facts.differences, told), wall_s=wall_s)
        with suppress(Exception):  # the error of the load is the one to report
            result = self.write_all()
            return result if verdict.is_shown_by_tries(result) else None
        return None

    def measure(self, worker: str, request: GateRequest, say: Say) -> None:
        """Bring up one worker model's stack, and measure on it.

        After an error the files are written at once: a CI system may kill this process 10 s later.
        """
        with open_stack(
            request.root, self._plan, worker, self._sides, self._services, self._store.folder, say
        ) as stack:
            try:
                self._measure_on(stack, worker, request, say)
            except BaseException:
                with suppress(Exception):  # the original error is the one to report
                    self.write_all()
                raise

    def _measure_on(self, stack: GateStack, worker: str, request: GateRequest, say: Say) -> None:
        first = self._first(request)
        say(f"{worker}: bringing up {2 * first} starts")
        stack.grow(first)
        with ExitStack() as generators:
            agents = self._agents(stack, generators)
            folder = self._store.folder
            awake = generators.enter_context(kept_awake(stack.host_cores, folder / AWAKE_LOG))
            keep = self._store.write_samples if request.keep_samples else None
            pool = GeneratorPool(
                stack, worker, agents, awake, keep, asked=self._plan.asked, seed=self._plan.seed
            )
            pair_runner = PairRunner(stack, self._plan, worker, pool)
            pair_runner.wait_ready()
            seen = self._see(stack, worker, say)
            if self._left_out(worker, say):
                return
            session = Session(
                self._plan,
                worker,
                stack,
                pair_runner,
                BlockRunner(stack, self._plan, worker, pool, seen),
                self._evidence,
                self.keep,
                say,
                memory_bytes=self._machine.memory_bytes,
                grown=first,
                slots=seen.slots,
                start_bytes=_start_bytes(stack),
                reset=partial(resetting.reset, request.options, request.here),
            )
            if request.calibrate:
                session.calibrate(aa_noise.STARTS, aa_noise.REPEATS)
            elif request.functions_only:
                session.prepare(self._first(request))
            else:
                session.run()
            self._profile(stack, worker, pool, request.here, say)
            self._evidence = serving.kept(self._evidence, serving.after_load(stack, seen))
            pool.end_users()
            self._note_replaced(pair_runner.identities, stack.identities())

    def _agents(self, stack: GateStack, generators: ExitStack) -> dict[Key, Agent]:
        """Start a generator for each version in each lane."""
        keys = [(lane, side) for lane in range(len(self._plan.cores)) for side in SideName]
        agents = {key: Agent(generators.enter_context(stack.start_generator())) for key in keys}
        for agent in agents.values():
            agent.hello()
        return agents

    def _profile(
        self, stack: GateStack, worker: str, pool: GeneratorPool, here: Path, say: Say
    ) -> None:
        """Profile functions after everything else, where that is wanted."""
        if profiler.is_wanted(self._plan, self._evidence, worker):
            profiling = FunctionProfiler(stack, self._plan, worker, pool, self._evidence, say)
            self.keep(profiler.with_profile(self._evidence, profiling.profile(here)))

    def _see(self, stack: GateStack, worker: str, say: Say) -> Serving:
        """Look what serves each version, say it, and note it with the ports that were found."""
        seen = serving.see(stack, self._plan, worker)
        self._evidence = serving.kept(self._evidence, seen)
        name = heading.heading(self._plan, self._evidence, worker)
        if name != worker:
            say(f"{worker}: {name}")
        for line in heading.remarks(self._plan, self._evidence):
            say(line)
        addresses = {side: starts_of(stack, side)[0].address for side in SideName}
        ports = {side: int(address.rpartition(":")[2]) for side, address in addresses.items()}
        self._sides = replace(
            self._sides,
            base=replace(self._sides.base, port=ports[SideName.BASE]),
            head=replace(self._sides.head, port=ports[SideName.HEAD]),
        )
        return seen

    def _left_out(self, worker: str, say: Say) -> bool:
        """Leave a worker model out that is not in force, where the same was measured before."""
        before = heading.same_as(self._plan, self._evidence, worker)
        if before is None:
            return False
        name = heading.heading(self._plan, self._evidence, worker)
        told = f"{worker} is not in force ({name}), as {before} was not, so it is left out."
        say(told)
        workers = tuple(name for name in self._plan.workers if name != worker)
        self._plan = replace(self._plan, workers=workers)
        self.facts = replace(self.facts, differences=(*self.facts.differences, told))
        return True

    def _first(self, request: GateRequest) -> int:
        """Return how many starts of each version come up first."""
        if request.calibrate:
            return aa_noise.STARTS
        if request.functions_only:
            return profiler.STEPS * len(self._plan.cores)
        return self._plan.looks[0] if request.append is None else plan.fewest_starts(self._plan)

    def _note_replaced(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        changed = tuple(name for name in before if before[name] != after.get(name))
        if changed:
            replaced = (*self._evidence.replaced, *changed)
            self._evidence = replace(self._evidence, replaced=replaced)


def _planned(request: GateRequest, machine: Machine) -> GatePlan:
    gate_plan = plan.make_plan(request.options, machine, seed=request.seed)
    if request.append is None:
        return gate_plan
    return appending.continued(request.append, gate_plan)


def _start_bytes(stack: GateStack) -> int:
    """Return the memory that a start needs: what those that are up have, or what is usual."""
    used = stack.read([start.name for start in stack.replicas])
    return max((START_BYTES, *(reading.memory_bytes or 0 for reading in used)))


def _sides(
    engine: docker.Engine, compose: Compose, request: GateRequest, place: Path, say: Say
) -> Sides:
    options = request.options
    environments = {
        SideName.BASE: options.base_environment,
        SideName.HEAD: options.head_environment,
    }
    # Half of the memory: a stranger's build must not take the machine from the others on it.
    words = docker.build_limits(
        network=options.build_network, memory_bytes=int(engine.facts()["MemTotal"]) // 2
    )
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
        return own_versions.build(shop, _named(engine, request), options, environments)
    named = _named(engine, request)
    return versions.build(engine, request.root, request.here, named, environments, say, words)


def _named(
    engine: docker.Engine, request: GateRequest, *, pull: bool = True
) -> tuple[Named, Named]:
    find = own_versions.find if is_users(request.options) else versions.find_both
    return find(engine, request.here, request.options, pull=pull)


def _folder(request: GateRequest, started_at_s: float) -> Store:
    name = f"gate-{run_folder.new_run_id(started_at_s, request.seed)}"
    store = Store.create(request.results, name)
    if not request.keep_samples:
        (store.folder / run_folder.SAMPLES).rmdir()
    return store
