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
from loadtests.generator.check_trial.trial import check
from loadtests.generator.clock import now_s
from loadtests.generator.examples import chosen
from loadtests.generator.fleet import MASTER_HOST, Fleet, WorkersFailed
from loadtests.generator.http import pinned
from loadtests.generator.http.fetch import fetch_all
from loadtests.generator.http.outcome import OUTCOME_NAMES, Outcome
from loadtests.generator.http.pool import Pool, UnusableUrl
from loadtests.generator.locustfile import Locustfiles, UnusableLocustfile
from loadtests.generator.order import (
    ALL,
    MOST_PROCESSES,
    BadOrder,
    Share,
    TrialOrder,
    read_check,
    read_fetch,
    read_place,
    read_trial,
)
from loadtests.generator.samples import Samples, pack
from loadtests.generator.trial import Job, Result, plan_schedule, run_trial
from loadtests.generator.user_load.crowd import ListTooShort, UsersFailed
from loadtests.generator.user_load.files import Places
from loadtests.generator.user_load.loads import UserLoads
from loadtests.generator.user_load.trial import UserTrial
from loadtests.generator.user_load.user_file import BadFile
from loadtests.generator.worker import Worker

PART_BYTES = 256 * 1024
"""Largest part of the packed samples in one line, so that lines stay short."""

END_LIMIT_S = 5.0
"""Time for the users to end, when the order does not say it."""


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

    def __init__(self, lines: Lines, processes: int, part: Share = ALL) -> None:
        """``part`` is the part of each load that this machine makes, of several."""
        self._lines = lines
        self._part = part
        self._pool = Pool()
        self._locustfiles = Locustfiles()
        self._fleet = Fleet(processes, part) if processes > 1 else None
        # With workers, this process has the check trial's users alone, and the last number.
        own = processes if processes > 1 else 0
        self._loads = UserLoads(self._pool, number=part.number * MOST_PROCESSES + own)
        self._prepared: UserTrial | None = None
        self._places = Places()
        self._orders: dict[str, Callable[[dict[str, Any]], None]] = {
            "hello": self._hello,
            "fetch": self._fetch,
            "place": self._place,
            "check": self._check,
            "clock": self._clock,
            "prepare": self._prepare,
            "trial": self._trial,
            "end": self._end,
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

    def close(self) -> None:
        """Delete what the harness sent."""
        self._places.remove()

    def _hello(self, _order: dict[str, Any]) -> None:
        self._lines.write(
            "hello",
            protocol=PROTOCOL,
            locust=locust.__version__,
            python=platform.python_version(),
            machine=platform.machine(),
            pid=os.getpid(),
        )

    def _fetch(self, line: dict[str, Any]) -> None:
        order = read_fetch(line)
        answers = fetch_all(order.all_requests, order.timeout_s)
        self._lines.write("fetched", id=order.id, answers=answers)

    def _place(self, line: dict[str, Any]) -> None:
        order = read_place(line)
        self._lines.write("placed", id=order.id, folder=self._places.place(order))

    def _check(self, line: dict[str, Any]) -> None:
        order = read_check(line)
        self._lines.write("checked", id=order.id, **check(self._loads, order))

    def _end(self, line: dict[str, Any]) -> None:
        limit_s = float(line.get("limit_s") or END_LIMIT_S)
        self._loads.end(limit_s)
        if self._fleet is not None:
            self._fleet.end_users(limit_s)
        self._lines.write("ended", id=line.get("id"))

    def _clock(self, line: dict[str, Any]) -> None:
        received_s = now_s()
        self._lines.write("clock", id=line.get("id"), received_s=received_s, answered_s=now_s())

    def _prepare(self, line: dict[str, Any]) -> None:
        """Get ready for a trial, which follows, and which says when it starts."""
        order = read_trial(line)
        self._pool.origin(order.base_url)
        self._loads.renew_for(order)
        if not order.is_given:
            self._locustfiles.environment(order.scenario)
        if self._fleet is not None and not order.replay:
            self._fleet.prepare(order, self._start_teller(order))
        elif order.is_given:
            self._prepared = self._user_trial(order)
        self._lines.write("prepared", id=order.id)

    def _user_trial(self, order: TrialOrder) -> UserTrial:
        """Return a trial of the user's own load, with its users started.

        A replay runs on one machine alone, so it has all of the load.
        """
        trial = UserTrial(self._loads, order, ALL if order.replay else self._part)
        trial.prepare(self._start_teller(order))
        return trial

    def _start_teller(self, order: TrialOrder) -> Callable[[int, int], None]:
        return lambda ready, users: self._lines.write(
            "starting", id=order.id, ready=ready, users=users
        )

    def _trial(self, line: dict[str, Any]) -> None:
        order = read_trial(line)
        self._pool.origin(order.base_url)  # raises now if the URL cannot be used
        self._loads.renew_for(order)
        result, workers, lost_workers = self._result(order)
        if result.refused:
            raise RefusedAddress(" ".join(result.refused))
        self._write_samples(order.id, result.samples)
        self._write_finished(order.id, result, workers, lost_workers)

    def _result(self, order: TrialOrder) -> tuple[Result, int, int]:
        """Run a trial; return its result, and how many processes there were and were lost."""

        def tell(event: str, at_s: float) -> None:
            self._lines.write(event, id=order.id, at_s=at_s)

        environment = None
        if not order.is_given:
            environment = self._locustfiles.environment(order.scenario)
        if self._fleet is not None and not order.replay:
            result, lost_workers = self._fleet.run_trial(order, tell, self._start_teller(order))
            return result, self._fleet.size, lost_workers
        starts_at_s = order.starts_at_s or None
        if environment is None:
            trial, self._prepared = self._prepared, None
            if trial is None or starts_at_s is None:
                trial = self._user_trial(order)
            return trial.run(plan_schedule(order, starts_at_s), tell), 1, 0
        job = Job(
            order=order,
            schedule=plan_schedule(order, starts_at_s),
            environment=environment,
            pool=self._pool,
            share=self._part,
        )
        return run_trial(job, tell), 1, 0

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
            user_errors_in_window=result.user_errors_in_window,
            redirects=dict(samples.redirects),
            examples=chosen(samples.examples),
            start_requests=result.start_requests,
            start_failed=result.start_failed,
            held_s=round(result.held_s, 6),
        )


class RefusedAddress(ValueError):
    """The user's code asked for addresses that are not the target's; the message names them."""


ERROR_KINDS: dict[type[Exception], str] = {
    RefusedAddress: "elsewhere",
    UnusableUrl: "url",
    UnusableLocustfile: "scenario",
    BadFile: "scenario",
    UsersFailed: "users",
    ListTooShort: "list",
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
    pinned.install()
    options = parse_options()
    if options.worker is not None:
        Worker(options.worker, MASTER_HOST, options.master_port, options.part)
        read_into(Queue(), lambda: None)
    agent = Agent(Lines(), options.processes, options.part)
    orders: Queue[bytes] = Queue()
    gevent.spawn(read_into, orders, agent.close)
    while agent.follow(orders.get()):
        pass
    agent.close()
    os._exit(0)  # Locust's own greenlets and threads have nothing left to finish


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.generator", description=__doc__)
    parser.add_argument(
        "--processes",
        type=int,
        choices=range(1, MOST_PROCESSES + 1),
        default=1,
        metavar="N",
        help="number of processes that generate load, each on its own core (default: 1)",
    )
    parser.add_argument(
        "--part",
        type=read_part,
        default=ALL,
        metavar="K/N",
        help="generate part K (from 0) of N of each load; other machines generate the others",
    )
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--master-port", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def read_part(text: str) -> Share:
    """Return the part that ``K/N`` names; raises ``ValueError``."""
    number, _, of = text.partition("/")
    part = Share(number=int(number), of=int(of))
    if not 0 <= part.number < part.of:
        raise ValueError(text)
    return part


def read_into(orders: Queue[bytes], close: Callable[[], None]) -> None:
    """Put the lines of standard input into ``orders``; exit the program at its end."""
    for line in read_lines():
        orders.put(line)
    close()
    os._exit(0)  # even during a trial: the harness that ordered it has ended


if __name__ == "__main__":
    main()
