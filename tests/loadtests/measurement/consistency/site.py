"""A site in memory: WSGI applications as servers with processes, asked as the generator asks."""

from __future__ import annotations

import io
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from flask import Flask
from werkzeug.wsgi import ClosingIterator

from loadtests.generator.http.cookies import Cookies
from loadtests.measurement.consistency import examination
from loadtests.measurement.consistency.client import encoded, target
from loadtests.measurement.consistency.undeclared import Means, Undeclared
from loadtests.model.consistency import ProbeResult, ProbeState
from loadtests.model.generator_records import Answer, Ask
from loadtests.model.plan import Plan
from loadtests.model.stack import Replica
from loadtests.model.tested.workload import Locustfile, RequestSpec, Workload
from tests.loadtests.builders import make_plan, make_worker

Store = dict[str, Any]
Make = Callable[[Store, Store], Flask]
"""Makes the application of one process, from what all servers share, and what one server has."""


class Site:
    """Servers with processes, each an application of its own; stands for the generator's agent.

    A request meets any process of its server. ``count`` is how many were asked.
    """

    def __init__(
        self,
        make: Make,
        *,
        servers: int = 2,
        processes: int = 1,
        seed: int = 1,
        workers: Sequence[str] = ("gthread",),
    ) -> None:
        self._rng = random.Random(seed)
        self._make = make
        self.shared: Store = {}
        shared = self.shared
        self.replicas = tuple(
            Replica(
                name=f"{worker}-{number}",
                worker=worker,
                number=number,
                address=f"10.0.{index}.{number}:8000",
                identity=f"{worker} server {number}",
            )
            for index, worker in enumerate(workers)
            for number in range(1, servers + 1)
        )
        self._processes: dict[str, list[Flask]] = {}
        for replica in self.replicas:
            own: Store = {}
            self._processes[replica.address] = [make(shared, own) for _ in range(processes)]
        self.count = 0
        self.start_s = 0.0

    @contextmanager
    def further_replica(self, worker: str) -> Iterator[str]:
        """Start one more server, as a stack does."""
        address = "10.0.0.99:8000"
        self._processes[address] = [self._make(self.shared, {})]
        time.sleep(self.start_s)
        yield address
        del self._processes[address]

    def send_before(self, request: RequestSpec, servers: Sequence[str] = ()) -> None:
        """Send a request to every process of these servers, or of all, as a load does."""
        body, kind = encoded(request)
        headers = dict(request.headers) | ({"Content-Type": kind} if kind else {})
        for replica in self.replicas:
            if servers and replica.name not in servers:
                continue
            url = f"http://{replica.address}{target(request)}"
            for app in self._processes[replica.address]:
                call(app, Ask(url=url, method=request.method, headers=headers, body=body))

    def fetch(self, urls: Sequence[str], *, timeout_s: float) -> tuple[Answer, ...]:
        return self.ask([Ask(url=url) for url in urls], timeout_s=timeout_s)

    def ask(self, asks: Sequence[Ask], *, timeout_s: float = 5.0) -> tuple[Answer, ...]:
        answers = list(enumerate(asks))
        self._rng.shuffle(answers)  # what is sent at the same time comes in any order
        done = {index: self._answer(ask) for index, ask in answers}
        return tuple(done[index] for index in range(len(asks)))

    def _answer(self, ask: Ask) -> Answer:
        self.count += 1
        app = self._rng.choice(self._processes[urlsplit(ask.url).netloc])
        status, headers, body = call(app, ask)
        cookies = Cookies()
        cookies.seed(ask.url, ask.headers.get("Cookie", ""))
        cookies.keep(ask.url, [value for name, value in headers if name.lower() == "set-cookie"])
        return Answer(
            url=ask.url,
            status=status,
            headers={name.lower(): value for name, value in headers},
            cookies=cookies.header(ask.url),
            body=body.decode(),
        )


class SlowSite(Site):
    """A site whose every request takes ``step_s`` of a clock, or as long as it may."""

    def __init__(self, make: Make, step_s: float, **fields: Any) -> None:
        super().__init__(make, **fields)
        self.step_s = step_s
        self.now_s = 0.0

    def ask(self, asks: Sequence[Ask], *, timeout_s: float = 5.0) -> tuple[Answer, ...]:
        self.now_s += min(self.step_s, timeout_s)
        if self.step_s > timeout_s:
            return tuple(Answer(url=ask.url, status=None, error="timeout") for ask in asks)
        return super().ask(asks, timeout_s=timeout_s)


def call(app: Flask, ask: Ask) -> tuple[int, list[tuple[str, str]], bytes]:
    """Give what an application answers: status, headers and body.

    As a server calls it (PEP 3333). Werkzeug's test client takes as long as the application.
    """
    parts, sent = urlsplit(ask.url), ask.body.encode()
    environ = {
        "REQUEST_METHOD": ask.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path, "latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(sent)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(sent),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in ask.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    said: list[tuple[str, list[tuple[str, str]]]] = []

    def start(
        status: str, headers: list[tuple[str, str]], _: Any = None, /
    ) -> Callable[[bytes], object]:
        said.append((status, headers))
        return lambda _: None

    chunks = app(environ, start)
    body = b"".join(chunks)
    if isinstance(chunks, ClosingIterator):
        chunks.close()
    ((status, headers),) = said
    return int(status.split()[0]), headers, body


def request(line: str, **fields: Any) -> RequestSpec:
    method, path = line.split(" ", 1)
    return RequestSpec(method=method, path=path, **fields)


def plan_of(workload: Workload, *, processes: int = 1, seed: int = 1) -> Plan:
    """Give a plan of one worker model and one workload."""
    worker = replace(make_worker("gthread"), processes=processes)
    plan = make_plan(replica_counts=(1, 2), seed=seed)
    return replace(plan, workers=(worker,), workloads=(workload,))


def asked(
    make: Make,
    *requests: RequestSpec,
    start: Sequence[RequestSpec] = (),
    servers: int = 2,
    processes: int = 1,
    seed: int = 1,
    grows: bool = False,
    start_s: float = 0.0,
    files: Sequence[str] | None = None,
    limit_s: float = 20.0,
    headers: Mapping[str, str] | None = None,
    values: Mapping[str, tuple[str, ...]] | None = None,
    before: Sequence[RequestSpec] = (),
    before_at: Sequence[str] = (),
    as_locustfile: bool = False,
    shared: Store | None = None,
) -> tuple[ProbeResult, ...]:
    """Give the results of the checks of a site's requests, without waiting in between.

    ``before`` was sent to every process earlier, or to those of the servers ``before_at``.
    ``as_locustfile`` says that the requests are those of a locustfile's check trial. ``shared`` is
    filled with what all servers have in common.
    """
    site = Site(make, servers=servers, processes=processes, seed=seed)
    site.start_s = start_s
    for earlier in before:
        site.send_before(earlier, before_at)
    workload = Workload(
        name="own",
        path="/",
        requests=() if as_locustfile else requests,
        locustfile=Locustfile(path="/locustfile.py") if as_locustfile else None,
        start=tuple(start),
        headers=headers or {},
        values=values or {},
    )
    plan = plan_of(workload, processes=processes, seed=seed)
    agent: Any = site
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examination, "SETTLE_S", 0.0)
        means = Means(
            files_written=None if files is None else lambda _, *, limit_s: files,
            further_replica=site.further_replica if grows else None,
        )
        undeclared = Undeclared(agent, site.replicas, "shop.example:9001", means)
        results = undeclared.check(plan, {"own": requests}, limit_s=limit_s)
    if shared is not None:
        shared.update(site.shared)
    return results


def breaks(results: Sequence[ProbeResult]) -> list[ProbeResult]:
    return [result for result in results if result.state is ProbeState.BREAKS]
