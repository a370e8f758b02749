"""A worker process: runs its share of each trial that Locust's master sends."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from locust.env import Environment

from loadtests.generator.http.pool import Pool
from loadtests.generator.locustfile import Locustfiles, UnusableLocustfile
from loadtests.generator.loops.ticker import Lag
from loadtests.generator.order import Share, TrialOrder
from loadtests.generator.samples import Samples, pack, unpack
from loadtests.generator.trial import Job, Result, plan_schedule, run_trial

PLAIN_FIELDS = (
    "started_at_s",
    "opened_at_s",
    "closed_at_s",
    "drained_at_s",
    "cpu_s",
    "user_errors",
)
"""The fields of a result that a message carries as they are."""


class Worker:
    """Connected to the master at ``host`` and ``port`` from construction on."""

    def __init__(self, number: int, host: str, port: int) -> None:
        self._number = number
        self._pool = Pool()
        # The trials must write to these statistics: Locust's worker reports them to the master.
        environment = Environment()
        self._runner = environment.create_worker_runner(host, port)
        self._locustfiles = Locustfiles(environment.stats)
        self._runner.register_message("trial", self._run, concurrent=True)
        self._runner.send_message("joined", {"number": number})

    def _run(self, msg: Any, **_others: Any) -> None:
        order = TrialOrder(**msg.data["order"])
        message: dict[str, Any] = {"number": self._number, "error": None}
        try:
            job = Job(
                order=order,
                share=Share(**msg.data["share"]),
                schedule=plan_schedule(order, msg.data["starts_at_s"]),
                environment=self._locustfiles.environment(order.scenario),
                pool=self._pool,
            )
            # The master tells the harness when the window opens and closes.
            result = run_trial(job, lambda _event, _at_s: None)
        except UnusableLocustfile as error:
            message["error"] = str(error)
        else:
            message |= write_result(result)
        self._runner.send_message("result", message)


def write_result(result: Result) -> dict[str, Any]:
    """Convert ``result`` to values that Locust's messages can carry."""
    plain = {name: getattr(result, name) for name in PLAIN_FIELDS}
    return plain | {
        "lag": asdict(result.lag),
        "columns": pack(result.samples.columns),
        "replicas": result.samples.replicas,
        "names": result.samples.names,
    }


def read_result(message: dict[str, Any]) -> Result:
    """Convert a message of ``write_result`` back to a result."""
    plain = {name: message[name] for name in PLAIN_FIELDS}
    return Result(
        **plain | {"user_errors": tuple(message["user_errors"])},
        lag=Lag(**message["lag"]),
        samples=Samples(
            columns=unpack(message["columns"]),
            replicas=tuple(message["replicas"]),
            names=tuple(message["names"]),
        ),
    )
