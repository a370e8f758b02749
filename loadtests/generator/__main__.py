"""The generator's program: reads orders from standard input, and answers on standard output."""

from __future__ import annotations

import argparse
import base64
import json
import logging
import os
import platform
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import locust  # patches the process for gevent: before anything that opens a socket
from gevent.os import tp_read
from gevent.queue import Queue

from loadtests.generator import PROTOCOL
from loadtests.generator.fleet import MASTER_HOST, Fleet, WorkersFailed
from loadtests.generator.http.fetch import fetch_all
from loadtests.generator.http.outcome import OUTCOME_NAMES, Outcome
from loadtests.generator.http.pool import Pool, UnusableUrl
from loadtests.generator.locustfile import Locustfiles, UnusableLocustfile
from loadtests.generator.order import BadOrder, read_fetch, read_trial
from loadtests.generator.samples import Samples, pack
from loadtests.generator.trial import Job, Result, plan_schedule, run_trial
from loadtests.generator.worker import Worker

PART_BYTES = 256 * 1024
"""Largest part of the packed samples in one line, so that lines stay short."""

PROCESSES_MAX = 64


class Lines:
    """Standard output, reserved for the protocol; other prints go to standard error."""

    def __init__(self) -> None:
        self._fd = os.dup(1)
        os.dup2(2, 1)

    def write(self, event: str, **values: Any) -> None:
        """Write one whole line: a JSON object with ``event`` and ``values``."""
        line = memoryview((json.dumps({"event": event, **values}) + "\n").encode())
        while line:
            line = line[os.write(self._fd, line) :]


def read_lines() -> Iterator[bytes]:
    """Yield the lines of standard input; other greenlets run between them."""
    rest = b""
    while data := tp_read(0, 65_536):
        *lines, rest = (rest + data).split(b"\n")
        yield from lines


class Agent:
    """Executes the orders, one after the other."""

    def __init__(self, lines: Lines, processes: int) -> None:
        self._lines = lines
        self._pool = Pool()
        self._locustfiles = Locustfiles()
        self._fleet = Fleet(processes) if processes > 1 else None
        self._orders: dict[str, Callable[[dict[str, Any]], None]] = {
            "hello": self._hello,
            "fetch": self._fetch,
            "trial": self._trial,
        }

    def follow(self, line: bytes) -> bool:
        """Execute the order in one line; return False for the order to quit."""
        if not line.strip():
            return True
        order: Any = None
        try:
            order = json.loads(line)
            if not isinstance(order, dict) or not isinstance(order.get("op"), str):
                raise BadOrder("A line must be an object with the field `op`.")
            if order["op"] == "quit":
                return False
            if order["op"] not in self._orders:
                operations = ", ".join(self._orders)
                raise BadOrder(f"op is {order['op']!r}; it must be one of {operations}, quit.")
            self._orders[order["op"]](order)
        except (ValueError, UnusableLocustfile, WorkersFailed) as error:
            name = order.get("id") if isinstance(order, dict) else None
            kind = ERROR_KINDS.get(type(error), "order")
            self._lines.write("error", id=name, kind=kind, detail=str(error))
        return True

    def _hello(self, _order: dict[str, Any]) -> None:
        self._lines.write(
            "hello",
            protocol=PROTOCOL,
            locust=locust.__version__,
            python=platform.python_version(),
            pid=os.getpid(),
        )

    def _fetch(self, line: dict[str, Any]) -> None:
        order = read_fetch(line)
        answers = fetch_all(order.all_requests, order.timeout_s)
        self._lines.write("fetched", id=order.id, answers=answers)

    def _trial(self, line: dict[str, Any]) -> None:
        order = read_trial(line)
        self._pool.origin(order.base_url)  # raises now if the URL cannot be used
        environment = self._locustfiles.environment(order.scenario)

        def tell(event: str, at_s: float) -> None:
            self._lines.write(event, id=order.id, at_s=at_s)

        if self._fleet is None:
            job = Job(
                order=order,
                schedule=plan_schedule(order),
                environment=environment,
                pool=self._pool,
            )
            result = run_trial(job, tell)
            workers, lost_workers = 1, 0
        else:
            result, lost_workers = self._fleet.run_trial(order, tell)
            workers = self._fleet.size
        self._write_samples(order.id, result.samples)
        self._write_finished(order.id, result, workers, lost_workers)

    def _write_samples(self, name: str, samples: Samples) -> None:
        packed = pack(samples.columns)
        parts = [packed[at : at + PART_BYTES] for at in range(0, len(packed), PART_BYTES)]
        for number, part in enumerate(parts, 1):
            data = base64.b64encode(part).decode()
            self._lines.write("samples", id=name, part=number, parts=len(parts), data=data)

    def _write_finished(self, name: str, result: Result, workers: int, lost_workers: int) -> None:
        samples = result.samples
        self._lines.write(
            "finished",
            id=name,
            started_at_s=result.started_at_s,
            opened_at_s=result.opened_at_s,
            closed_at_s=result.closed_at_s,
            drained_at_s=result.drained_at_s,
            sent=samples.sent,
            answered=samples.answered,
            undrained=samples.count(Outcome.UNDRAINED),
            dropped=samples.count(Outcome.DROPPED),
            outcomes=OUTCOME_NAMES,
            replicas=samples.replicas,
            names=samples.names,
            cpu_s=round(result.cpu_s, 6),
            lag_p99_ms=result.lag.p99_ms,
            lag_max_ms=result.lag.max_ms,
            workers=workers,
            lost_workers=lost_workers,
            user_errors=len(result.user_errors),
            user_error=result.user_errors[0] if result.user_errors else None,
        )


ERROR_KINDS: dict[type[Exception], str] = {
    UnusableUrl: "url",
    UnusableLocustfile: "scenario",
    WorkersFailed: "workers",
}
"""The ``kind`` of an ``error`` line by exception; ``order`` for all others."""


def main() -> None:
    """Execute orders until one says to quit, or until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness decides when its child ends
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("locust.runners").setLevel(logging.ERROR)  # it warns of fast user starts
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    options = parse_options()
    if options.worker is not None:
        Worker(options.worker, MASTER_HOST, options.master_port)
        read_into(Queue())
    agent = Agent(Lines(), options.processes)
    orders: Queue[bytes] = Queue()
    gevent.spawn(read_into, orders)
    while agent.follow(orders.get()):
        pass
    os._exit(0)  # Locust's own greenlets and threads have nothing left to finish


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.generator", description=__doc__)
    parser.add_argument(
        "--processes",
        type=int,
        choices=range(1, PROCESSES_MAX + 1),
        default=1,
        metavar="N",
        help="number of processes that generate load, each on its own core (default: 1)",
    )
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--master-port", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def read_into(orders: Queue[bytes]) -> None:
    """Put the lines of standard input into ``orders``; exit the program at its end."""
    for line in read_lines():
        orders.put(line)
    os._exit(0)  # even during a trial: the harness that ordered it has ended


if __name__ == "__main__":
    main()
