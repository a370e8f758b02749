"""Finds out what each server does with idle connections, so that the proxy never keeps too many."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from loadtests.environments.protocol import Stack
from loadtests.model.errors import GeneratorFailure
from loadtests.model.plan import Plan, Upstream, WorkerModel
from loadtests.model.tested.in_force import KeptConnections
from loadtests.model.tested.target import TargetKind
from loadtests.servers import idle_connections, registry
from loadtests.servers.server import KeepAlive

PROBE = "loadtests.generator.keep_alive"

CONNECTIONS = 300
"""More than a trial has users on one replica (256), so that a server with fewer is found."""

WATCH_S = 4.0
"""How long idle connections are watched; what the proxy may keep follows from it.

With 0.2 s and with 0.45 s, 7 % of gevent's requests opened a connection; with 3 s it was 1 %."""

GATE_WATCH_S = 1.0
"""The same in a gate, whose proxy closes its own much sooner."""

_KEPT = TypeAdapter(dict[str, KeptConnections])


def declared(worker: WorkerModel) -> KeepAlive:
    """Return what is known of a worker model's connections before anything is asked.

    Of a target that starts its own server, that is nothing.
    """
    if worker.as_started:
        return KeepAlive()
    return registry.of(worker).keep_alive(worker)


def watch(stack: Stack, plan: Plan) -> dict[str, KeptConnections]:
    """Open idle connections to one replica of each worker model, and return what became of them.

    The sample application under gunicorn is left out: its configuration is our own, unless the
    variant has options or variables. So is a deployment behind a balancer that is not ours.
    """
    asked = {worker.name: worker for worker in plan.workers if not _is_ours(plan, worker)}
    if not asked or stack.status_url is None:
        return {}
    return ask(
        stack,
        {
            replica.worker: replica.address
            for replica in stack.replicas
            if replica.worker in asked and replica.number == 1
        },
        path=plan.health_path,
        watch_s=WATCH_S,
    )


def ask(
    stack: Stack, addresses: Mapping[str, str], *, path: str, watch_s: float
) -> dict[str, KeptConnections]:
    """Open idle connections to servers by their names; return what became of them in ``watch_s``.

    Raises :class:`GeneratorFailure` if the probe writes anything else.
    """
    job = {
        "replicas": dict(addresses),
        "path": path,
        "connections": CONNECTIONS,
        "watch_s": watch_s,
    }
    output = stack.run_module(PROBE, json.dumps(job))
    try:
        return _KEPT.validate_json(output)
    except ValidationError as error:
        raise GeneratorFailure(f"The keep-alive probe wrote {output[:200]!r}.") from error


def _is_ours(plan: Plan, worker: WorkerModel) -> bool:
    return (
        plan.tested.kind is TargetKind.SAMPLE
        and worker.server == registry.DEFAULT
        and not worker.options
        and not worker.env
        and not worker.as_started
    )


def bounded(
    upstreams: Sequence[Upstream], plan: Plan, kept: dict[str, KeptConnections]
) -> tuple[Upstream, ...]:
    """Return the upstreams with what the proxy may keep of each one's server."""
    idle = {
        worker.name: idle_connections.between_closings(declared(worker), kept.get(worker.name))
        for worker in plan.workers
    }
    return tuple(replace(upstream, idle=idle[upstream.worker]) for upstream in upstreams)


def note(worker: WorkerModel, kept: KeptConnections) -> str | None:
    """Return a sentence on a server that has fewer connections than users may want.

    There is one, too, where it answered nothing in time and its file says nothing.
    """
    limit = declared(worker).connections
    if idle_connections.nothing_answered(kept):
        if declared(worker) == KeepAlive():
            return (
                f"{worker.name} did not answer the question about its idle connections in time, so"
                " nothing is known of them, and the proxy opens a new one for each request."
            )
    elif kept.answered < kept.opened and not kept.announced:
        limit = kept.answered
    if limit is None or limit >= CONNECTIONS:
        return None
    return (
        f"{worker.name} keeps at most {limit} connections open, so the proxy opens a new one for"
        " each request."
    )
