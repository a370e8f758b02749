"""What a plan tests, asks and checks, as lines of text. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from loadtests.model.consistency import Check, Step
from loadtests.model.plan import Plan, WorkerModel
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.model.tested.variables import path_without_secrets, words_without_secrets
from loadtests.model.tested.workload import Expected, Locustfile, RequestSpec, Workload
from loadtests.servers import own_command

KINDS = {
    TargetKind.SAMPLE: "as Twofold carries it",
    TargetKind.IMPORT_STRING: "a WSGI application",
    TargetKind.DOCKERFILE: "built by its Dockerfile",
    TargetKind.IMAGE: "an image",
    TargetKind.SERVICE: "a Compose service, with what it needs",
    TargetKind.URL: "running already",
}


def _kind(tested: Target) -> str:
    is_async = tested.interface is Interface.ASGI
    return "an asynchronous application" if is_async else KINDS[tested.kind]


def target(tested: Target) -> list[str]:
    """Return the lines that name the target and what was set for it."""
    place = tested.dockerfile or tested.compose_file or tested.folder
    place = " and ".join(filter(None, (place, *tested.overrides)))
    where = f", in {place}" if place and tested.kind is not TargetKind.URL else ""
    lines = [f"Tested     {tested.name} ({_kind(tested)}{where})"]
    if tested.python is not None:
        lines.append(f"Python     {tested.python}")
    settings = []
    if tested.port is not None:
        settings.append(f"port {tested.port}")
    if tested.kind is not TargetKind.SAMPLE and tested.health is not None:
        settings.append(f"ready when {tested.health} answers")
    if tested.env:
        settings.append(f"variables {', '.join(tested.env)} (their values are not shown)")
    if settings:
        lines.append(f"Set        {'; '.join(settings)}")
    return lines


def starts(plan: Plan) -> str:
    """Return what a run starts, in a line."""
    if plan.tested.kind is TargetKind.URL:
        return "Starts     the load generator; the target runs already"
    store = "; PostgreSQL" if plan.with_store else ""
    through = plan.tested.through
    proxy = f"its service {through} in front" if through is not None else "nginx"
    return (
        f"Starts     {plan.replica_counts[-1]} replicas of each variant; {proxy}{store};"
        " the load generator"
    )


def variant(worker: WorkerModel) -> str:
    """Return a variant in a few words: its name, its server and its slots."""
    if worker.as_started:
        return f"{worker.name} (whatever server the target starts)"
    slots = _slots(worker)
    if (worker.mode or worker.name) == worker.name and worker.python is None:
        return f"{worker.name} ({slots})"
    mode = f" {worker.mode}" if worker.mode not in {None, worker.server} else ""
    python = f", {worker.python}" if worker.python else ""
    return (
        f"{worker.name} ({worker.server}{mode}, {worker.processes} × {worker.threads}"
        f"{python}, {slots})"
    )


def _slots(worker: WorkerModel) -> str:
    """Return how many slots a variant has, as far as it is known before the start.

    Nobody knows those of a command, nor of a worker class that is named by its module.
    """
    if worker.slots is None and (
        worker.server == own_command.SERVER.name or {".", ":"} & set(worker.mode or "")
    ):
        return "slots not known"
    return f"{worker.slots or 'unlimited'} slots"


def blocks(plan: Plan) -> list[str]:
    """Return what is asked, checked, changed and ignored, for a target of the user's."""
    lines: list[str] = []
    for workload in plan.workloads:
        lines += _asked(workload)
    if plan.tested.kind is not TargetKind.SAMPLE:
        if plan.checks:
            lines += ["", "Checked with every number of replicas:", *map(_check, plan.checks)]
        if plan.reset_command:
            lines += [
                "",
                f"Before each round: {' '.join(words_without_secrets(plan.reset_command))}",
            ]
        if plan.tested.notes:
            lines += [
                "",
                "Found, changed or ignored:",
                *(f"  {note}" for note in plan.tested.notes),
            ]
    return lines


def _asked(workload: Workload) -> list[str]:
    if workload.locustfile is not None:
        return ["", f"Asked by {workload.name}:", f"  {_locustfile(workload.locustfile)}"]
    if not workload.requests:
        return []
    lines = ["", f"Asked by {workload.name}:"]
    lines += [f"  once each  {_request(request)}" for request in workload.start]
    total = sum(request.weight for request in workload.requests)
    lines += [
        f"  {request.weight / total:9.1%}  {_request(request)}" for request in workload.requests
    ]
    lines += [
        f"  {{{name}}}: {len(values)} values, such as {values[0] if values else 'none'}"
        for name, values in workload.values.items()
    ]
    return lines


def _locustfile(locustfile: Locustfile) -> str:
    words = [PurePath(locustfile.path).name]
    if locustfile.classes:
        words.append(f"classes {', '.join(locustfile.classes)}")
    if locustfile.tags:
        words.append(f"tags {', '.join(locustfile.tags)}")
    if locustfile.exclude_tags:
        words.append(f"without tags {', '.join(locustfile.exclude_tags)}")
    words.append("waits kept" if locustfile.keep_waits else "waits left out")
    return ", ".join(words)


def _request(request: RequestSpec) -> str:
    name = f" as {request.name!r}" if request.name else ""
    bodies = (("json", request.json), ("form", request.form), ("body", request.body))
    body = next((f" with {key}" for key, value in bodies if value is not None), "")
    files = f" with {len(request.files)} file(s)" if request.files else ""
    path = path_without_secrets(request.path)
    return f"{request.method} {path}{body}{files}{name}{_expected(request.expect)}"


def _check(check: Check) -> str:
    times = f", {check.times} times" if check.times > 1 else ""
    return (
        f"  {check.name}: {_step(check.write)} through one, {_step(check.read)} through all{times}"
    )


def _step(step: Step) -> str:
    return f"{step.method} {path_without_secrets(step.path)}{_expected(step.expect)}"


def _expected(expect: Expected | None) -> str:
    parts: Sequence[str] = [
        *([str(expect.status)] if expect and expect.status is not None else ()),
        *([f"{expect.contains!r}"] if expect and expect.contains is not None else ()),
    ]
    return f" → {' with '.join(parts)}" if parts else ""
