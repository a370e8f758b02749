"""Generates load on several cores with Locust's distributed mode, one worker process per core.

The agent is Locust's master and sends no requests. All workers run their shares of a trial at the
same time, and send back their samples. Locust only logs a lost worker. The fleet counts it, and
replaces it before the next trial. A worker lost between two trials counts in the second one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import gevent
from locust.env import Environment

from loadtests.generator.clock import now_s
from loadtests.generator.loops.ticker import Lag
from loadtests.generator.order import ALL, Share, TrialOrder
from loadtests.generator.recorder import Recorder
from loadtests.generator.samples import merge
from loadtests.generator.team.started import own_argv
from loadtests.generator.trial import Result, Tell, plan_schedule, watch_window
from loadtests.generator.user_load.crowd import ListTooShort, TellStart, UsersFailed
from loadtests.generator.user_load.user_file import START_FOLDER
from loadtests.generator.worker import read_result

MASTER_HOST = "127.0.0.1"

START_LIMIT_S = 60.0
"""Time for the workers to start; each needs a second of CPU time to import Locust."""

MOST_LOST_STARTING = 3
"""Failed starts allowed per worker; after more, it will never start."""

START_AHEAD_S = 0.1
"""Time between sending an order and its start, so that it reaches all workers first."""

ANSWER_LIMIT_S = 10.0
"""Time for a worker's samples to arrive after its draining must have ended."""

LOOK_INTERVAL_S = 0.02
"""Interval between checks whether the workers have joined, and still run."""


PREPARE_LIMIT_S = 600.0
"""Time for all users to start; each worker gives up long before if none of its users gets ready."""


class WorkersFailed(Exception):
    """The workers cannot run a trial; the message says why."""


class Fleet:
    """The worker processes by number, and the Locust master to which they connect."""

    def __init__(self, size: int, part: Share = ALL) -> None:
        """Start ``size`` workers for this machine's part; the first trial waits for them."""
        self.size = size
        self._part = part
        self._master = Environment().create_master_runner(MASTER_HOST, 0)
        self._master.register_message("joined", self._note_joined)
        self._master.register_message("result", self._note_result)
        self._master.register_message("prepared", self._note_result)
        self._master.register_message("ended", self._note_result)
        self._master.register_message("starting", self._note_starting)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._nodes: dict[int, str] = {}
        self._results: dict[int, dict[str, Any]] = {}
        self._starting: dict[int, tuple[int, int]] = {}
        self._lost_between = 0
        """Workers lost between trials that no result has reported yet."""
        self._start_missing()

    def run_trial(self, order: TrialOrder, tell: Tell, tell_start: TellStart) -> tuple[Result, int]:
        """Run one trial on all workers; return their combined result and how many were lost.

        Raises ``WorkersFailed`` if the workers do not start, or cannot run the trial. A trial that
        starts at a moment has been prepared.
        """
        if not order.starts_at_s:
            self.prepare(order, tell_start)
        starts_at_s = order.starts_at_s or now_s() + START_AHEAD_S
        self._send("trial", {"order": asdict(order), "starts_at_s": starts_at_s})
        schedule = plan_schedule(order, starts_at_s)
        cpu_s, lag = watch_window(schedule, tell)
        self._wait_for_results(
            schedule.closes + schedule.epoch_s + order.drain_limit_s + ANSWER_LIMIT_S
        )
        results = [read_result(message) for message in self._results.values()]
        own = Result(
            samples=Recorder().samples(0.0),
            started_at_s=starts_at_s,
            opened_at_s=schedule.opens + schedule.epoch_s,
            closed_at_s=schedule.closes + schedule.epoch_s,
            drained_at_s=now_s(),
            cpu_s=cpu_s,
            lag=lag,
            user_errors=(),
        )
        lost, self._lost_between = self._lost_between + self.size - len(results), 0
        return joined(own, results), lost

    def end_users(self, limit_s: float) -> None:
        """End the users of all workers, who live from trial to trial."""
        self._send("end", {"limit_s": limit_s})
        self._wait_for_results(now_s() + limit_s + ANSWER_LIMIT_S)

    def prepare(self, order: TrialOrder, tell_start: TellStart) -> None:
        """Wait for the workers, and let them start the users of a user's own load."""
        self._wait_for_workers()
        self._master.stats.clear_all()
        if order.is_given:
            self._start_users(order, tell_start)

    def _start_users(self, order: TrialOrder, tell_start: TellStart) -> None:
        """Let all workers start their users; returns when all users have begun."""
        self._starting.clear()
        self._send("prepare", {"order": asdict(order)})

        def told() -> None:
            if self._starting:
                counts = self._starting.values()
                tell_start(sum(ready for ready, _ in counts), sum(users for _, users in counts))
                self._starting.clear()

        try:
            self._wait_for_results(now_s() + PREPARE_LIMIT_S, told)
        except WorkersFailed as error:
            raise UsersFailed(str(error)) from error

    def _send(self, name: str, message: dict[str, Any]) -> None:
        self._results.clear()
        for number, node in self._nodes.items():
            share = asdict(self._part.part(number, self.size))
            self._master.send_message(name, {**message, "share": share}, client_id=node)

    def close(self) -> None:
        """End the workers."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _start_missing(self) -> None:
        for number in range(self.size):
            process = self._processes.get(number)
            if process is not None and process.poll() is not None:
                self._lost_between += 1  # a worker lost during a trial was removed there
                self._nodes.pop(number, None)
                process = None
            if process is None:
                self._processes[number] = subprocess.Popen(
                    own_argv(
                        *("--worker", str(number)),
                        *("--master-port", str(self._master.server.port)),
                        *("--part", f"{self._part.number}/{self._part.of}"),
                    ),
                    stdin=subprocess.PIPE,  # ends the worker when this process ends
                    stdout=sys.stderr,
                    cwd=START_FOLDER,
                )

    def _wait_for_workers(self) -> None:
        """Wait until all workers have joined; start again those that end before."""
        self._start_missing()
        limit_s = now_s() + START_LIMIT_S
        most_lost = self._lost_between + MOST_LOST_STARTING * self.size
        while len(self._nodes) < self.size:
            if now_s() > limit_s or self._lost_between > most_lost:
                raise WorkersFailed(
                    f"{self.size - len(self._nodes)} of {self.size} generator workers did not "
                    f"start in {START_LIMIT_S:g} s, or ended repeatedly while starting. Their "
                    "errors are on standard error."
                )
            gevent.sleep(LOOK_INTERVAL_S)
            self._start_missing()

    def _wait_for_results(
        self, limit_s: float, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        while missing := self._nodes.keys() - self._results.keys():
            gevent.sleep(LOOK_INTERVAL_S)
            meanwhile()
            for number in missing - self._results.keys():
                process = self._processes[number]
                if process.poll() is None and now_s() > limit_s:
                    process.kill()  # it hangs
                    process.wait()
                if process.poll() is not None:
                    del self._nodes[number], self._processes[number]
        for message in self._results.values():
            if message.get("error") is not None:
                kind = ListTooShort if message.get("of_list") else WorkersFailed
                raise kind(message["error"])

    def _note_joined(self, msg: Any, **_others: Any) -> None:
        self._nodes[msg.data["number"]] = msg.node_id

    def _note_result(self, msg: Any, **_others: Any) -> None:
        if self._nodes.get(msg.data["number"]) == msg.node_id:
            self._results[msg.data["number"]] = msg.data

    def _note_starting(self, msg: Any, **_others: Any) -> None:
        self._starting[msg.data["number"]] = (msg.data["ready"], msg.data["users"])


def joined(own: Result, results: list[Result]) -> Result:
    """Combine the workers' ``results``: CPU time and lag are those of the worst worker.

    ``own`` is the master's result; the moments of the window come from it.
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
        user_errors_in_window=sum(result.user_errors_in_window for result in results),
        start_requests=sum(result.start_requests for result in results),
        start_failed=sum(result.start_failed for result in results),
        held_s=sum(result.held_s for result in results),
        refused=tuple(dict.fromkeys(text for result in results for text in result.refused)),
    )
