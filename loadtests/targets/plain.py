"""A target of the user's without any configuration: its variants, and one request as workload."""

from __future__ import annotations

from dataclasses import replace

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import STARTS_ITSELF, Target, TargetKind
from loadtests.model.tested.variables import path_without_secrets
from loadtests.model.tested.workload import RequestSpec, Workload
from loadtests.servers import registry as servers

AS_STARTED = "as-started"
"""Name of the only variant of a target that starts its own server."""

WORKLOAD = "requests"


HEALTH_ALONE = (
    "No request is named, so the load is GET {}, the health path. Name what users ask (--request"
    ' "GET /search"); twofold init lists it.'
)


def with_note(tested: Target) -> Target:
    """Return a target of which only the health path is asked, with a note that says so."""
    if tested.health is None:
        return tested
    note = HEALTH_ALONE.format(path_without_secrets(tested.health))
    return replace(tested, notes=(*tested.notes, note))


def project(tested: Target) -> Project:
    """Return a target with its variants, and a request for its health path or ``/``."""
    ours = tested.kind is TargetKind.IMPORT_STRING
    models = servers.worker_models() if ours else as_started()
    default = servers.default_models() if ours else tuple(models)
    if tested.kind in STARTS_ITSELF:
        models |= servers.default_server_models()
    path = tested.health or "/"
    workload = Workload(name=WORKLOAD, path=path, requests=(RequestSpec(path=path),))
    return Project(
        tested=tested,
        workers=models,
        workloads={workload.name: workload},
        default_workers=default,
        default_workloads=(workload.name,),
    )


def as_started() -> dict[str, WorkerModel]:
    """Return the variant of a target that starts its own server; what it runs is seen later."""
    model = WorkerModel(name=AS_STARTED, processes=1, threads=1, slots=None, as_started=True)
    return {model.name: model}
