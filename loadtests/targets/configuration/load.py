"""What users ask and what has to hold, from the tables of the configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from loadtests.config import placeholders, request_line
from loadtests.model.consistency import Check, CheckKind, Step
from loadtests.model.tested.workload import Expected, Locustfile, RequestSpec, Workload

if TYPE_CHECKING:
    from loadtests.config.tables.check import CheckTable
    from loadtests.config.tables.request import ExpectTable, RequestTable, StepTable
    from loadtests.config.tables.workload import WorkloadTable

Values = Mapping[str, tuple[str, ...]]

ANY_PATH = "/"
"""The path that a locustfile's workload is ready by, where no health path is named."""


def workload(
    name: str, table: WorkloadTable, values: Values, folder: Path, tags: Sequence[str]
) -> Workload:
    """Return a workload; ``tags`` are for a locustfile without tags of its own."""
    if table.locustfile is not None:
        return Workload(
            name=name,
            path=ANY_PATH,
            waits=table.waits,
            headers=table.headers,
            locustfile=replace(
                locustfile((folder / table.locustfile).resolve()),
                tags=tuple(table.tags or tags),
                exclude_tags=tuple(table.exclude_tags),
                classes=tuple(table.classes),
                keep_waits=table.keep_waits,
                env=table.env,
                requirements=str(folder / table.requirements) if table.requirements else None,
            ),
        )
    requests = tuple(_request(request, folder) for request in table.requests)
    return of_requests(
        name,
        requests or (RequestSpec(path=table.path or ANY_PATH),),
        start=tuple(_request(request, folder) for request in table.start),
        values=values,
        waits=table.waits,
        headers=table.headers,
    )


def locustfile(path: Path) -> Locustfile:
    """Return a locustfile as it is now; one that cannot be read is refused where it is used."""
    sha256 = None
    with suppress(OSError):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Locustfile(path=str(path), sha256=sha256)


def of_requests(
    name: str,
    requests: tuple[RequestSpec, ...],
    *,
    start: tuple[RequestSpec, ...] = (),
    values: Values | None = None,
    waits: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Workload:
    """Return a workload of a list of requests; its path is the first that can be asked alone."""
    lists = values or {}
    first = next((each for each in requests if each.method == "GET"), requests[0])
    return Workload(
        name=name,
        path=placeholders.example(first.path, lists),
        waits=waits,
        requests=requests,
        start=start,
        values=lists,
        headers=headers or {},
    )


def of_line(text: str) -> RequestSpec:
    """Return the request of a line such as ``3 GET /``; raises :class:`UsageError`."""
    line = request_line.parse(text)
    return RequestSpec(method=line.method, path=line.path, weight=line.weight)


def _request(table: RequestTable, folder: Path) -> RequestSpec:
    return RequestSpec(
        method=table.method,
        path=table.path,
        weight=table.weight,
        name=table.name,
        query=table.query,
        headers=table.headers,
        form=table.form,
        json=table.json_,
        body=table.body,
        files={name: str((folder / file).resolve()) for name, file in table.files.items()},
        expect=_expected(table.expect) or Expected(),
    )


def check(table: CheckTable) -> Check:
    """Return a declared consistency check."""
    return Check(
        name=table.name,
        kind=CheckKind(table.kind),
        write=_step(table.write, "POST"),
        read=_step(table.read, "GET"),
        times=table.times,
    )


def _step(table: StepTable, method: str) -> Step:
    headers = dict(table.headers)
    body = table.body or ""
    if table.form is not None:
        body = urlencode(table.form, safe="{}")
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    elif table.json_ is not None:
        body = json.dumps(table.json_)
        headers.setdefault("Content-Type", "application/json")
    return Step(
        method=table.method or method,
        path=table.path,
        body=body,
        headers=headers,
        expect=_expected(table.expect),
    )


def _expected(table: ExpectTable | None) -> Expected | None:
    return None if table is None else Expected(status=table.status, contains=table.contains)
