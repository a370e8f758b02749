"""A plan as a person reads it before anything is started. PURE."""

from __future__ import annotations

from loadtests.model import Machine, Plan, Workload


def render(plan: Plan, machine: Machine, why: str) -> str:
    """Return the plan as lines of text."""
    budget = "none can be set"
    if plan.budget.replica_cpus is not None:
        budget = f"{plan.budget.replica_cpus:g} CPU a replica"
    timing = plan.timing
    lines = [
        f"Backend    {plan.backend}: {why}",
        f"Machine    {machine.cores} cores, {machine.cpu_model}, {machine.system}",
        f"Budget     {budget} ({plan.budget.reason})",
        f"Cores      replicas {_cores(plan.budget.replica_cores)};"
        f" generator and proxy {_cores(plan.budget.service_cores)}"
        + (f"; PostgreSQL {_cores(plan.budget.store_cores)}" if plan.with_store else ""),
        f"Workers    {', '.join(_worker(plan, worker.name) for worker in plan.workers)}",
        f"Workload   {', '.join(map(_workload, plan.workloads))}",
        f"Replicas   {', '.join(str(count) for count in plan.replica_counts)}",
        f"Cells      {len(plan.cells)}, one loaded at a time",
        f"Trial      {timing.settle_s:g} s settling, {timing.window_s:g} s window, then drained",
        f"Rounds     {plan.rounds_min} to {plan.rounds_max},"
        f" until every factor is known to ±{plan.precision_ratio:.0%}",
        f"Target     a doubling counts as one from {plan.target:g} on",
        f"Seed       {plan.seed}",
        f"Duration   {plan.expected_s / 60:.1f} to {plan.expected_max_s / 60:.1f} min,"
        " without building images",
        *(f"Note       {note}" for note in plan.notes),
        "",
        "Order of the first round:",
        *(
            f"  {spec.position:2d}. {spec.cell} on {_members(spec.members)}"
            for spec in plan.rounds[0]
        ),
    ]
    return "\n".join(lines)


def _workload(workload: Workload) -> str:
    what = f"scenario {workload.scenario}" if workload.scenario else workload.path
    return f"{workload.name} ({what})"


def _cores(cores: tuple[int, ...]) -> str:
    return ", ".join(str(core) for core in cores) if cores else "any"


def _members(members: tuple[int, ...]) -> str:
    noun = "replica" if len(members) == 1 else "replicas"
    return f"{noun} {', '.join(str(number) for number in members)}"


def _worker(plan: Plan, name: str) -> str:
    worker = next(each for each in plan.workers if each.name == name)
    return f"{name} ({worker.slots or 'unlimited'} slots)"
