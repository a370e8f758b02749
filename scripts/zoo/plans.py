"""The plans of the zoo: small ones, most of them measured in under a minute. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from loadtests.config.options import DEFAULT_TARGET, Options
from loadtests.model.machine import Machine
from loadtests.model.plan import Cell, Plan
from loadtests.model.tested.workload import Workload
from loadtests.planning.run_plan import make_plan

BACKEND = "processes"
WSGI_APP = "scripts.zoo.app:create_app()"
"""What gunicorn serves: the sample application with the faults that variables turn on."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What of a plan a member of the zoo decides.

    ``path`` is what is asked for, where it is another than the workload's own; ``rounds`` None lets
    the precision decide; ``probe`` brings up a store, ``store_cpus`` is its budget where it is not
    the usual one, as ``replica_cpus`` is that of each replica; ``window_s`` is the windows' length.
    """

    workload: str
    path: str | None = None
    replicas: tuple[int, ...] = (1, 2)
    rounds: int | None = 4
    quick: bool = True
    worker: str = "gthread"
    probe: bool = False
    store_cpus: float | None = None
    replica_cpus: float | None = None
    window_s: float | None = None
    generator_processes: int = 1
    target: float = DEFAULT_TARGET
    one_size: bool = False
    """As of the options: whether replicas are as large as where the most that fit run."""


def plan_of(shape: Shape, machine: Machine, *, seed: int) -> Plan:
    """Give the plan of a shape on a machine."""
    options = Options(
        backend=BACKEND,
        workers=(shape.worker,),
        replicas=shape.replicas,
        workloads=(shape.workload,),
        rounds=shape.rounds,
        quick=shape.quick,
        seed=seed,
        probe=shape.probe,
        generator_processes=shape.generator_processes,
        target=shape.target,
        one_size=shape.one_size,
    )
    plan = make_plan(options, machine, backend=BACKEND, seed=seed)
    if shape.store_cpus is not None:
        plan = replace(plan, budget=replace(plan.budget, store_cpus=shape.store_cpus))
    if shape.replica_cpus is not None:
        plan = replace(plan, budget=replace(plan.budget, replica_cpus=shape.replica_cpus))
    if shape.window_s is not None:
        plan = replace(plan, timing=replace(plan.timing, window_s=shape.window_s))
    if shape.path is None:
        return plan
    return asking_for(plan, shape.path)


def asking_for(plan: Plan, path: str) -> Plan:
    """Give the plan with its one workload replaced by ``path``, named by the path's first part."""
    name = path.strip("/").partition("?")[0].replace("/", "-")

    def renamed(cell: Cell) -> Cell:
        return replace(cell, workload=name)

    return replace(
        plan,
        workloads=(Workload(name=name, path=path),),
        cells=tuple(renamed(cell) for cell in plan.cells),
        rounds=tuple(
            tuple(replace(spec, cell=renamed(spec.cell)) for spec in specs) for specs in plan.rounds
        ),
    )
