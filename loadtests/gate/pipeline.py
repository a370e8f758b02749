"""Runs a gate's stages: versions, stack, measurement, verdict, result files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from loadtests.environments.compose import images
from loadtests.environments.compose.images import ServiceImages
from loadtests.environments.compose.machine import docker_machine, lock_scope
from loadtests.environments.guards import machine_lock
from loadtests.environments.keep_awake import AWAKE_LOG, kept_awake
from loadtests.environments.protocol import Say
from loadtests.gate import plan, result_files, versions
from loadtests.gate.analysis import aa_noise, verdict
from loadtests.gate.generator_pool import GeneratorPool
from loadtests.gate.looks import Session
from loadtests.gate.model import (
    SCHEMA_VERSION,
    Evidence,
    GateFacts,
    GatePlan,
    GateResult,
    SideName,
    side_of,
)
from loadtests.gate.options import GateOptions
from loadtests.gate.pair_runner import PairRunner
from loadtests.gate.report import verdict_json
from loadtests.gate.scaling_blocks import BlockRunner
from loadtests.gate.sides import seen
from loadtests.gate.stack import GateStack, open_stack
from loadtests.gate.versions import Sides
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import UsageError
from loadtests.model.machine import Machine
from loadtests.results import run_folder
from loadtests.results.run_folder import Store
from loadtests.tools import docker, docker_compose, proc, signals


@dataclass(frozen=True, kw_only=True)
class GateRequest:
    """A gate to run; ``calibrate`` measures the same starts repeatedly.

    Without ``wait`` it fails if another run or gate measures on this machine.
    """

    options: GateOptions
    seed: int
    root: Path
    here: Path
    results: Path
    command: str
    append: GateResult | None = None
    calibrate: bool = False
    keep_samples: bool = False
    wait: bool = True


def run(request: GateRequest, say: Say) -> tuple[GateResult, Path]:
    """Compare two versions, and return the result and the gate's folder.

    The stacks are always taken down, and ``verdict.json`` has all measurements, even after an
    error.
    """
    with machine_lock.held(lock_scope(), say, wait=request.wait) as lock:
        return _run(request, say, lock)


def _run(request: GateRequest, say: Say, lock: machine_lock.Held) -> tuple[GateResult, Path]:
    started_at_s, started_s = proc.now_s(), proc.monotonic_s()
    engine = docker.Engine()
    try:
        machine = docker_machine(engine, docker_compose.find_compose())
        gate_plan = _planned(request, machine)
        sides = _sides(engine, request, say)
        services = images.build_services(engine, request.root, say=say)
    finally:
        engine.close()
    if request.append is not None:
        _check_same(request.append, sides)
    store = _folder(request, started_at_s)
    lock.note(store.folder)
    facts = GateFacts(
        gate_id=store.folder.name,
        started_at=datetime.fromtimestamp(started_at_s, UTC).isoformat(timespec="seconds"),
        command=request.command,
        wall_s=0.0,
        finished=False,
        differences=sides.differences,
    )
    earlier = request.append.evidence if request.append else None
    evidence = replace(earlier, sessions=earlier.sessions + 1) if earlier else Evidence()
    gate = _Gate(store, facts, machine, sides, services, gate_plan, evidence)
    for line in sides.differences:
        say(line)
    try:
        for worker in gate_plan.workers:
            gate.measure(worker, request, say)
        signals.check()
    except BaseException:
        with suppress(Exception):  # the original error is the one to report
            gate.write_all()
        raise
    gate.facts = replace(gate.facts, wall_s=round(proc.monotonic_s() - started_s, 1), finished=True)
    return gate.write_all(), store.folder


class _Gate:
    """A gate in progress, and the folder with its results."""

    def __init__(
        self,
        store: Store,
        facts: GateFacts,
        machine: Machine,
        sides: Sides,
        services: ServiceImages,
        gate_plan: GatePlan,
        evidence: Evidence,
    ) -> None:
        self._store = store
        self.facts = facts
        self._machine = machine
        self._sides = sides
        self._services = services
        self._plan = gate_plan
        self._evidence = evidence

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

    def measure(self, worker: str, request: GateRequest, say: Say) -> None:
        """Bring up one worker model's stack, and measure on it."""
        with open_stack(
            request.root, self._plan, worker, self._sides, self._services, self._store.folder, say
        ) as stack:
            first = self._first(request)
            say(f"{worker}: bringing up {2 * first} starts")
            stack.grow(first)
            with ExitStack() as generators:
                agents = {
                    (lane, side): Agent(generators.enter_context(stack.start_generator()))
                    for lane in range(len(self._plan.cores))
                    for side in SideName
                }
                for agent in agents.values():
                    agent.hello()
                awake = generators.enter_context(
                    kept_awake(stack.host_cores, self._store.folder / AWAKE_LOG)
                )
                keep = self._keep_samples if request.keep_samples else None
                pool = GeneratorPool(stack, worker, agents, awake, keep)
                pair_runner = PairRunner(stack, self._plan, worker, pool)
                pair_runner.wait_ready()
                self._note_servers(stack, worker, say)
                before = dict(stack.identities())
                session = Session(
                    self._plan,
                    worker,
                    stack,
                    pair_runner,
                    BlockRunner(stack, self._plan, worker, pool),
                    self._evidence,
                    self.keep,
                    say,
                    memory_bytes=self._machine.memory_bytes,
                    grown=first,
                )
                if request.calibrate:
                    session.calibrate(aa_noise.STARTS, aa_noise.REPEATS)
                else:
                    session.run()
                self._note_replaced(before, stack.identities())

    def _note_servers(self, stack: GateStack, worker: str, say: Say) -> None:
        """Record what runs, where another machine would run something else."""
        told = [note for note in seen.notes(stack, worker) if note not in self.facts.differences]
        self.facts = replace(self.facts, differences=(*self.facts.differences, *told))
        for note in told:
            say(note)

    def _keep_samples(self, name: str, samples: bytes) -> None:
        self._store.write_samples(name, samples)

    def _first(self, request: GateRequest) -> int:
        """Return how many starts of each version come up first."""
        if request.calibrate:
            return aa_noise.STARTS
        return self._plan.looks[0] if request.append is None else plan.fewest_starts(self._plan)

    def _note_replaced(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        # The harness starts and stops processes in its own services, so only the starts count.
        starts = [name for name in before if side_of(name) is not None]
        changed = tuple(name for name in starts if before[name] != after.get(name))
        if changed:
            replaced = (*self._evidence.replaced, *changed)
            self._evidence = replace(self._evidence, replaced=replaced)


def _planned(request: GateRequest, machine: Machine) -> GatePlan:
    gate_plan = plan.make_plan(request.options, machine, seed=request.seed)
    if request.append is None:
        return gate_plan
    if request.append.schema_version != SCHEMA_VERSION:
        raise UsageError(
            f"--append {request.append.facts.gate_id}: it was written with schema"
            f" {request.append.schema_version}, whose figures were counted in another way than"
            f" those of {SCHEMA_VERSION}. Start a new gate."
        )
    earlier = request.append.plan
    settings = (gate_plan.workers, gate_plan.path, gate_plan.margins)
    if settings != (earlier.workers, earlier.path, earlier.margins):
        raise UsageError(
            f"--append continues {request.append.facts.gate_id} with the same options: workers"
            f" {','.join(earlier.workers)}, path {earlier.path}, and the same margins. Leave"
            " these options unchanged."
        )
    return replace(earlier, max_minutes=gate_plan.max_minutes)


def _sides(engine: docker.Engine, request: GateRequest, say: Say) -> Sides:
    options = request.options
    named = (
        versions.find(engine, request.here, SideName.BASE, options.base),
        versions.find(engine, request.here, SideName.HEAD, options.head),
    )
    environments = {
        SideName.BASE: options.base_environment,
        SideName.HEAD: options.head_environment,
    }
    return versions.build(engine, request.root, request.here, named, environments, say)


def _check_same(earlier: GateResult, sides: Sides) -> None:
    """Raise :class:`UsageError` if the versions are not those of the earlier gate."""
    for before, now in ((earlier.base, sides.base), (earlier.head, sides.head)):
        if (before.digest, before.environment) != (now.digest, now.environment):
            raise UsageError(
                f"--append {earlier.facts.gate_id}: its {before.name} was image"
                f" {before.digest[:19]} and is now {now.digest[:19]}, or has other variables. A"
                " gate can be continued with the same two versions only; start a new gate."
            )


def _folder(request: GateRequest, started_at_s: float) -> Store:
    store = Store.create(
        request.results, f"gate-{run_folder.new_run_id(started_at_s, request.seed)}"
    )
    if not request.keep_samples:
        (store.folder / run_folder.SAMPLES).rmdir()
    return store


def read(path: Path) -> GateResult:
    """Return the gate at a path, which is its verdict.json or its folder."""
    file = path / result_files.VERDICT if path.is_dir() else path
    try:
        return verdict_json.parse(file.read_bytes(), name=str(file))
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read ({error.strerror}). Name the verdict.json of a gate, or its"
            " folder in results/."
        ) from error


def find(results: Path, name: str) -> GateResult:
    """Return the gate with a path or an id; raise :class:`UsageError` if there is none."""
    for path in (Path(name), results / name):
        if path.exists():
            return read(path)
    raise UsageError(f"There is no gate {name!r}, neither as a path nor in {results}.")
