"""A worker process: runs its share of each trial that Locust's master sends."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from locust.env import Environment

from loadtests.generator.http.pool import Pool
from loadtests.generator.locustfile import Locustfiles, UnusableLocustfile
from loadtests.generator.loops.ticker import Lag
from loadtests.generator.order import ALL, MOST_PROCESSES, Share, TrialOrder
from loadtests.generator.samples import Samples, pack, unpack
from loadtests.generator.trial import Job, Result, plan_schedule, run_trial
from loadtests.generator.user_load.crowd import ListTooShort
from loadtests.generator.user_load.loads import UserLoads
from loadtests.generator.user_load.trial import UserTrial

PLAIN_FIELDS = (
    "started_at_s",
    "opened_at_s",
    "closed_at_s",
    "drained_at_s",
    "cpu_s",
    "user_errors",
    "user_errors_in_window",
    "start_requests",
    "start_failed",
    "held_s",
    "refused",
)
"""The fields of a result that a message carries as they are."""


class Worker:
    """Connected to the master at ``host`` and ``port`` from construction on.

    ``part`` is that of this machine, of several.
    """

    def __init__(self, number: int, host: str, port: int, part: Share = ALL) -> None:
        self._number = number
        self._pool = Pool()
        # The trials must write to these statistics: Locust's worker reports them to the master.
        environment = Environment()
        self._runner = environment.create_worker_runner(host, port)
        self._locustfiles = Locustfiles(environment.stats)
        # Processes of other machines have other numbers; see ``UserLoads``.
        first = part.number * MOST_PROCESSES
        self._loads = UserLoads(self._pool, number=first + number, stats=environment.stats)
        self._prepared: UserTrial | None = None
        self._runner.register_message("prepare", self._prepare, concurrent=True)
        self._runner.register_message("trial", self._run, concurrent=True)
        self._runner.register_message("end", self._end, concurrent=True)
        self._runner.send_message("joined", {"number": number})

    def _prepare(self, msg: Any, **_others: Any) -> None:
        """Start the users of a user's own load; the trial follows when all workers have."""
        message: dict[str, Any] = {"number": self._number, "error": None}
        try:
            order, share = TrialOrder(**msg.data["order"]), Share(**msg.data["share"])
            self._loads.renew_for(order)
            self._prepared = UserTrial(self._loads, order, share)
            self._prepared.prepare(self._tell_start)
        except (ValueError, UnusableLocustfile) as error:
            message |= {"error": str(error), "of_list": isinstance(error, ListTooShort)}
        self._runner.send_message("prepared", message)

    def _tell_start(self, ready: int, users: int) -> None:
        message = {"number": self._number, "ready": ready, "users": users}
        self._runner.send_message("starting", message)

    def _run(self, msg: Any, **_others: Any) -> None:
        order = TrialOrder(**msg.data["order"])
        message: dict[str, Any] = {"number": self._number, "error": None}
        self._loads.renew_for(order)
        try:
            message |= write_result(self._result(order, msg.data))
        except UnusableLocustfile as error:
            message["error"] = str(error)
        self._runner.send_message("result", message)

    def _result(self, order: TrialOrder, data: dict[str, Any]) -> Result:
        schedule = plan_schedule(order, data["starts_at_s"])
        if order.is_given and self._prepared is not None:
            return self._prepared.run(schedule, tell_nobody)
        job = Job(
            order=order,
            share=Share(**data["share"]),
            schedule=schedule,
            environment=self._locustfiles.environment(order.scenario),
            pool=self._pool,
        )
        return run_trial(job, tell_nobody)

    def _end(self, msg: Any, **_others: Any) -> None:
        self._loads.end(msg.data["limit_s"])
        self._runner.send_message("ended", {"number": self._number})


def tell_nobody(_event: str, _at_s: float) -> None:
    """Do nothing: the master tells the harness when the window opens and closes."""


def write_result(result: Result) -> dict[str, Any]:
    """Convert ``result`` to values that Locust's messages can carry."""
    plain = {name: getattr(result, name) for name in PLAIN_FIELDS}
    return plain | {
        "lag": asdict(result.lag),
        "columns": pack(result.samples.columns),
        "replicas": result.samples.replicas,
        "names": result.samples.names,
        "redirects": dict(result.samples.redirects),
        "examples": list(result.samples.examples),
    }


def read_result(message: dict[str, Any]) -> Result:
    """Convert a message of ``write_result`` back to a result."""
    plain = {name: message[name] for name in PLAIN_FIELDS}
    return Result(
        **plain | {name: tuple(message[name]) for name in ("user_errors", "refused")},
        lag=Lag(**message["lag"]),
        samples=Samples(
            columns=unpack(message["columns"]),
            replicas=tuple(message["replicas"]),
            names=tuple(message["names"]),
            redirects=message["redirects"],
            examples=tuple(message["examples"]),
        ),
    )
