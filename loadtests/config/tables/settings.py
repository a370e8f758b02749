"""The whole of ``[tool.twofold]``: one line for each table. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from loadtests.config import options, slo
from loadtests.config.file.known import Known
from loadtests.config.file.place import FORMS, SAMPLE
from loadtests.config.names import did_you_mean
from loadtests.config.tables.check import CheckTable
from loadtests.config.tables.external import ExternalTable
from loadtests.config.tables.fields import (
    Name,
    Names,
    Text,
    UrlPath,
    Variables,
    Words,
    only_one,
    unknown,
    unknown_name,
)
from loadtests.config.tables.gate import GateTable
from loadtests.config.tables.swarm import SwarmTable
from loadtests.config.tables.table import Fault, Lack, Table, said
from loadtests.config.tables.variant import VariantTable, faults_by_name
from loadtests.config.tables.workload import WorkloadTable
from loadtests.model.errors import UsageError


def _replicas(counts: list[int]) -> list[int]:
    try:
        options.check_replicas(tuple(counts))
    except UsageError as error:
        raise said(str(error).replace("--replicas", "replicas")) from None
    return counts


def _generator_workers(addresses: list[str]) -> list[str]:
    try:
        options.check_generator_workers(tuple(addresses))
    except UsageError as error:
        raise said(str(error).replace("--generator-workers", "generator-workers")) from None
    return addresses


def _objective(text: str) -> str:
    try:
        slo.parse(text)
    except UsageError as error:
        raise said(str(error).replace("--slo", "slo")) from None
    return text


def _url(text: str) -> str:
    scheme, found, rest = text.partition("://")
    if scheme not in {"http", "https"} or not found or not rest.split("/")[0]:
        raise said(f"{text!r} is no URL with a host. Example: http://10.77.0.11:8080")
    return text


class Settings(Table):
    """The settings of a project. An option of the command line wins over its key."""

    OF_OTHERS: ClassVar[Mapping[str, str]] = {
        key: f"[tool.twofold.{table}.NAME]"
        for table, kind in (("variants", VariantTable), ("workloads", WorkloadTable))
        for key in (field.alias or name for name, field in kind.model_fields.items())
    }

    target: Text | None = Field(default=None, examples=['"shop:create_app()"'])
    """The system under test, recognised by its form. `"sample"` is the sample application."""
    app: Text | None = Field(default=None, examples=['"shop:create_app()"'])
    """The target, as a WSGI or ASGI application in this folder."""
    dockerfile: Text | None = Field(default=None, examples=['"docker/Dockerfile"'])
    """The target, as a Dockerfile or a folder that has one."""
    build_args: Variables = Field(default={}, examples=['{VERSION = "1.2"}'])
    """Arguments of the Dockerfile (`ARG`). Reports have their names only."""
    build_target: Text | None = Field(default=None, examples=['"production"'])
    """The stage of the Dockerfile that is measured; the last one, if left out."""
    image: Text | None = Field(default=None, examples=['"shop:1.2"'])
    """The target, as an image."""
    service: Text | None = Field(default=None, examples=['"compose.yaml:web"'])
    """The target, as a service of a Compose file."""
    url: Annotated[str, AfterValidator(_url)] | None = Field(
        default=None, examples=['"http://10.77.0.11:8080"']
    )
    """The target, as a deployment that is running already."""
    through: Text | None = Field(default=None, examples=['"nginx"'])
    """The service of the Compose file that stands in front of the target: its own proxy."""
    health: UrlPath | None = Field(default=None, examples=['"/healthz"'])
    """The path that answers when a replica is ready; the first request, if left out."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(default=None, examples=["8000"])
    """The port that a container listens on; it is found, if left out. A URL has its own."""
    env: Variables = Field(default={}, examples=['{DATABASE_URL = "postgresql://…"}'])
    """Environment variables of the target. Reports have their names only."""
    pass_env: Names = Field(default=[], examples=['["DATABASE_URL"]'])
    """Variables that the target gets as this shell has them."""
    python: Text | None = Field(default=None, examples=['".venv/bin/python"'])
    """The interpreter of an import string's environment."""
    workers: Names | None = Field(default=None, examples=['["gthread", "sync"]'])
    """Variants to measure; those declared below, or else the built-in ones, if left out."""
    replicas: Annotated[list[int], AfterValidator(_replicas)] | None = Field(
        default=None, examples=["[1, 2, 4]"]
    )
    """Numbers of replicas."""
    workload: Names | None = Field(default=None, examples=['"browse"'])
    """Workloads to measure; all that are declared, if left out."""
    rounds: Annotated[int, Field(ge=2, le=options.MAX_ROUNDS)] | None = Field(
        default=None, examples=["8"]
    )
    """Measure exactly this many rounds."""
    precision: Annotated[float, Field(ge=0.001, lt=1)] | None = Field(
        default=None, examples=["0.04"]
    )
    """Half-width of the 95 % interval to reach, as a ratio."""
    factor: Annotated[float, Field(gt=1, le=2)] | None = Field(default=None, examples=["1.8"])
    """The factor that counts as "about twice"; `--target` on the command line."""
    backend: Text | None = Field(default=None, examples=['"compose"'])
    """What the servers run in."""
    seed: Annotated[int, Field(ge=0)] | None = Field(default=None, examples=["7"])
    """Repeat the order and rotation of an earlier run."""
    out: Text | None = Field(default=None, examples=['"results"'])
    """Folder of results, relative to this file."""
    probe: bool | None = Field(default=None, examples=["true"])
    """Start the sample's data store too, and check whether replicas share their state."""
    latency: bool | None = Field(default=None, examples=["true"])
    """Then measure latency in an open loop."""
    slo: Annotated[str, AfterValidator(_objective)] | None = Field(
        default=None, examples=['"p99=250ms"']
    )
    """Find the highest rate within this objective."""
    generator_processes: Annotated[int, Field(ge=1, le=options.MAX_GENERATOR_PROCESSES)] | None = (
        Field(default=None, examples=["2"])
    )
    """Processes of the load generator, on each of its machines."""
    generator_workers: Annotated[list[str], AfterValidator(_generator_workers)] | None = Field(
        default=None, examples=['["10.0.0.5:8089", "10.0.0.6:8089"]']
    )
    """The machines that generate the load for a deployment at a URL."""
    start_limit: Annotated[float, Field(ge=1, le=options.MAX_START_LIMIT_S)] | None = Field(
        default=None, examples=["300"]
    )
    """Seconds that a replica may take until it answers."""
    profile: bool | None = Field(default=None, examples=["false"])
    """Then look where requests wait, down to the line of code."""
    tags: Names = Field(default=[], examples=['["read"]'])
    """Tags for every locustfile that has none of its own."""
    reset_command: Words | None = Field(default=None, examples=['"flask --app shop init-db"'])
    """A command that takes back what the load left behind; no shell reads it."""
    variants: dict[Name, VariantTable] = Field(
        default={}, examples=['{uwsgi = {server = "uwsgi", processes = 4}}']
    )
    """Ways to serve the target, beside the built-in ones."""
    workloads: dict[Name, WorkloadTable] = Field(
        default={}, examples=['{browse = {requests = ["GET /"]}}']
    )
    """What users ask."""
    checks: list[CheckTable] = Field(
        default=[], examples=['[{name = "a login holds", write = "POST /login", read = "/me"}]']
    )
    """What has to hold with any number of replicas."""
    external: ExternalTable | None = Field(default=None, examples=["{}"])
    """Commands that scale a deployment at a URL."""
    swarm: SwarmTable | None = Field(default=None, examples=["{}"])
    """The engines of a Swarm's nodes."""
    gate: GateTable | None = Field(default=None, examples=["{margin = 0.05}"])
    """Defaults of `twofold gate`."""

    @classmethod
    def faults(cls, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:
        """Give what is wrong between tables."""
        yield from only_one(data, ("target", *FORMS), why="A run has one target.")
        if known.backends and isinstance(data.get("backend"), str):
            yield from unknown_name(
                data["backend"], known.backends, what="backend", at=("backend",)
            )
        yield from _variant_faults(data, known)
        yield from _workload_faults(data, known)
        yield from _check_faults(data)


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def _variant_faults(data: Mapping[str, Any], known: Known) -> Iterator[Fault]:
    variants = _table(data, "variants")
    names = (*known.variants, *(name for name in variants if name not in known.variants))
    for at in (("workers",), ("gate", "workers")):
        values = (_table(data, "gate") if at[0] == "gate" else data).get("workers")
        yield from unknown(values, names, what="variant", at=at, table="variants")
    for name, variant in variants.items():
        if not isinstance(variant, Mapping):
            continue
        for fault in faults_by_name(name, variant, known):
            yield replace(fault, at=("variants", name, *fault.at))
        if name in known.variants:
            continue
        if "server" not in variant and "command" not in variant:
            near = did_you_mean(name, known.variants)
            yield Fault(
                at=("variants", name),
                text=f'This variant names no server.{near} Example: server = "gunicorn"',
                lack=Lack(keys=("server", "command")),
            )


def _workload_faults(data: Mapping[str, Any], known: Known) -> Iterator[Fault]:
    workloads = _table(data, "workloads")
    sample = known.workloads if data.get("target") == SAMPLE else ()
    names = (*workloads, *(name for name in sample if name not in workloads))
    yield from unknown(
        data.get("workload"), names, what="workload", at=("workload",), table="workloads"
    )
    of_gate = _table(data, "gate").get("workload")
    if isinstance(of_gate, str) and not of_gate.startswith("/"):
        choices = (*workloads, *(name for name in known.workloads if name not in workloads))
        yield from unknown_name(of_gate, choices, what="workload", at=("gate", "workload"))
    if data.get("tags") and not any(
        isinstance(table, Mapping) and "locustfile" in table for table in workloads.values()
    ):
        yield Fault(at=("tags",), text="No workload here has a locustfile.")


def _check_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    checks = data.get("checks")
    seen: set[str] = set()
    for index, check in enumerate(checks if isinstance(checks, list) else ()):
        name = check.get("name") if isinstance(check, Mapping) else None
        if isinstance(name, str) and name in seen:
            yield Fault(at=("checks", index, "name"), text=f"The name {name!r} is given twice.")
        if isinstance(name, str):
            seen.add(name)
