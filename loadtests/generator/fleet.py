"""More than one core: Locust's own distributed mode, one worker process a core.

The agent is Locust's master and sends no requests itself. Each worker runs its share of a trial
between the same moments, and sends back its samples. Locust itself only logs a worker that goes
missing; here it is counted, and replaced before the next trial. One that goes missing between two
trials is counted in the second of them.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from time import time
from typing import Any

import gevent
from locust.env import Environment

from loadtests.generator.loops.ticker import Lag
from loadtests.generator.order import Share, TrialOrder
from loadtests.generator.recorder import Recorder
from loadtests.generator.samples import merge
from loadtests.generator.trial import Result, Tell, plan_course, watch_window
from loadtests.generator.worker import read_result

MASTER_HOST = "127.0.0.1"

START_LIMIT_S = 60.0
"""For the workers to start; importing Locust takes each of them about a second of CPU time."""

MOST_LOST_STARTING = 3
"""Times each that workers may end before they have joined; then they never will."""

START_AHEAD_S = 0.1
"""Between sending an order and its start, so that all workers have it before."""

ANSWER_LIMIT_S = 10.0
"""For a worker's samples to arrive, after the last moment at which it can still be draining."""

LOOK_INTERVAL_S = 0.02
"""How often it is looked whether workers are there, and still alive."""


class WorkersFailed(Exception):
    """The workers cannot run a trial: the message says why."""


class Fleet:
    """The worker processes, by number, and Locust's master that they are connected to."""

    def __init__(self, size: int) -> None:
        """Start ``size`` workers; they are waited for when there is something to do."""
        self.size = size
        self._master = Environment().create_master_runner(MASTER_HOST, 0)
        self._master.register_message("joined", self._note_joined)
        self._master.register_message("result", self._note_result)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._nodes: dict[int, str] = {}
        self._results: dict[int, dict[str, Any]] = {}
        self._lost_between = 0
        """Workers that went missing between trials, and are not told yet."""
        self._start_missing()

    def run_trial(self, order: TrialOrder, tell: Tell) -> tuple[Result, int]:
        """Run one trial on all workers; returns what they measured, and how many went missing.

        Raises ``WorkersFailed`` where the workers do not start, or cannot run the trial.
        """
        self._wait_for_workers()
        self._master.stats.clear_all()
        self._results.clear()
        starts_at_s = time() + START_AHEAD_S
        for number, node in self._nodes.items():
            share = Share(number=number, of=self.size)
            message = {
                "order": asdict(order),
                "share": asdict(share),
                "starts_at_s": starts_at_s,
            }
            self._master.send_message("trial", message, client_id=node)
        course = plan_course(order, starts_at_s)
        cpu_s, lag = watch_window(course, tell)
        self._wait_for_results(
            course.closes + course.epoch_s + order.drain_limit_s + ANSWER_LIMIT_S
        )
        results = [read_result(message) for message in self._results.values()]
        own = Result(
            samples=Recorder().samples(0.0),
            started_at_s=starts_at_s,
            opened_at_s=course.opens + course.epoch_s,
            closed_at_s=course.closes + course.epoch_s,
            drained_at_s=time(),
            cpu_s=cpu_s,
            lag=lag,
            user_errors=(),
        )
        lost, self._lost_between = self._lost_between + self.size - len(results), 0
        return joined(own, results), lost

    def close(self) -> None:
        """End the workers."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _start_missing(self) -> None:
        for number in range(self.size):
            process = self._processes.get(number)
            if process is not None and process.poll() is not None:
                self._lost_between += 1  # those that go missing in a trial are forgotten there
                self._nodes.pop(number, None)
                process = None
            if process is None:
                self._processes[number] = subprocess.Popen(
                    (
                        sys.executable,
                        "-m",
                        "loadtests.generator",
                        *("--worker", str(number)),
                        *("--master-port", str(self._master.server.port)),
                    ),
                    stdin=subprocess.PIPE,  # ends the worker when this process ends
                    stdout=sys.stderr,
                )

    def _wait_for_workers(self) -> None:
        """Wait until all are there; one that ends before it has joined is started again too."""
        self._start_missing()
        limit_s = time() + START_LIMIT_S
        most_lost = self._lost_between + MOST_LOST_STARTING * self.size
        while len(self._nodes) < self.size:
            if time() > limit_s or self._lost_between > most_lost:
                raise WorkersFailed(
                    f"{self.size - len(self._nodes)} of {self.size} generator workers did not "
                    f"start in {START_LIMIT_S:g} s, or ended again and again as they started; what "
                    "they say is on standard error."
                )
            gevent.sleep(LOOK_INTERVAL_S)
            self._start_missing()

    def _wait_for_results(self, limit_s: float) -> None:
        while missing := self._nodes.keys() - self._results.keys():
            gevent.sleep(LOOK_INTERVAL_S)
            for number in missing - self._results.keys():
                process = self._processes[number]
                if process.poll() is None and time() > limit_s:
                    process.kill()  # it hangs
                    process.wait()
                if process.poll() is not None:
                    del self._nodes[number], self._processes[number]
        for message in self._results.values():
            if message["error"] is not None:
                raise WorkersFailed(message["error"])

    def _note_joined(self, msg: Any, **_others: Any) -> None:
        self._nodes[msg.data["number"]] = msg.node_id

    def _note_result(self, msg: Any, **_others: Any) -> None:
        if self._nodes.get(msg.data["number"]) == msg.node_id:
            self._results[msg.data["number"]] = msg.data


def joined(own: Result, results: list[Result]) -> Result:
    """Return the ``results`` of the workers as one: the busiest and slowest of them counts.

    ``own`` is the master's, for what no worker can say.
    """
    if not results:
        return own
    return Result(
        samples=merge([result.samples for result in results]),
        started_at_s=own.started_at_s,
        opened_at_s=own.opened_at_s,
        closed_at_s=own.closed_at_s,
        drained_at_s=max(result.drained_at_s for result in results),
        cpu_s=max(own.cpu_s, *(result.cpu_s for result in results)),
        lag=Lag(
            p99_ms=max(result.lag.p99_ms for result in results),
            max_ms=max(result.lag.max_ms for result in results),
        ),
        user_errors=tuple(error for result in results for error in result.user_errors),
    )
