#!/usr/bin/env python3
"""Measure the same systems with stock Locust: one run of 10 s per cell, one cell after the other.

Most load tests are done this way: plain ``HttpUser``, users in proportion to the replicas, and the
requests per second that Locust prints. The stack is the harness's own (same images, budgets, nginx
and cores), so only the way of measuring differs. The true factor of every doubling is 2.0.

    .venv/bin/python scripts/stock_locust.py        # writes results/stock-locust.json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtests.config.options import Options
from loadtests.environments import registry
from loadtests.environments.compose.stack import ComposeStack
from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.model.plan import Cell, Plan
from loadtests.planning.run_plan import make_plan
from loadtests.targets import checkout, workloads
from loadtests.tools import docker, proc

TRUTH = 2.0
SECONDS = 10
USERS_PER_REPLICA = 8
WORKERS = ("gthread", "sync")

LOCUSTFILE = """
import os
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def visit(self):
        self.client.get(os.environ["VISIT"])
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Load every cell once, and write the rates that Locust printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=checkout.root() / "results/stock-locust.json")
    options = parser.parse_args(argv)
    requested = Options(workers=WORKERS, workloads=("cpu", "io"), rounds=4)
    chosen = registry.choose("compose", checkout.root())
    plan = make_plan(requested, chosen.machine, backend="compose", seed=1)
    with tempfile.TemporaryDirectory(prefix="twofold-") as folder:
        run = Path(folder) / "stock-locust"
        run.mkdir()
        with (
            chosen.backend.open(plan, run, _say) as stack,
            stack.start_generator() as generator,
        ):
            assert isinstance(stack, ComposeStack)
            driver = Driver(stack, Agent(generator), None)
            driver.wait_ready(plan.upstreams)
            stack.configure_proxy(plan.upstreams)
            driver.wait_for_proxy()
            rates = {cell: visit(stack, plan, cell) for cell in plan.cells}
    rows = doublings(plan, rates)
    options.out.parent.mkdir(exist_ok=True)
    document = {
        "truth": TRUTH,
        "requests_per_second": {str(cell): rate for cell, rate in rates.items()},
        "seconds_per_cell": SECONDS,
        "users_per_replica": USERS_PER_REPLICA,
        "largest_error": max(abs(row["error"]) for row in rows),
        "mean_error": sum(abs(row["error"]) for row in rows) / len(rows),
        "rows": rows,
    }
    options.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps({key: document[key] for key in ("largest_error", "mean_error")}))
    return 0


def visit(stack: ComposeStack, plan: Plan, cell: Cell) -> float:
    """Load one cell, and return the requests per second that Locust prints."""
    container = stack.container("generator")
    write = docker.exec_argv(container, "sh", "-c", "cat > /tmp/stock.py")
    proc.run(write, input_text=LOCUSTFILE)
    upstream = next(
        candidate
        for candidate in plan.upstreams
        if candidate.worker == cell.worker and len(candidate.members) == cell.replicas
    )
    users = str(USERS_PER_REPLICA * cell.replicas)
    command = (
        *("env", f"VISIT={workloads.named(cell.workload).path}", "locust", "--headless", "--json"),
        *("--skip-log", "-f", "/tmp/stock.py", "-u", users, "-r", users, "-t", f"{SECONDS}s"),  # noqa: S108
        *("--host", f"http://{stack.proxy_host}:{upstream.port}"),
    )
    done = proc.run(docker.exec_argv(container, *command), timeout_s=60, check=False)
    entries: list[dict[str, Any]] = json.loads(done.stdout)
    rate = rate_of(entries[0])
    _say(f"{cell}: {rate:.1f} requests/s")
    return rate


def rate_of(entry: dict[str, Any]) -> float:
    """Compute the rate from Locust's statistics as its console does."""
    seconds = entry["last_request_timestamp"] - entry["start_time"]
    return float((entry["num_requests"] - entry["num_failures"]) / seconds)


def doublings(plan: Plan, rates: dict[Cell, float]) -> list[dict[str, Any]]:
    """Return one row per doubling: its factor, and its relative error."""
    rows = []
    for cell in plan.cells:
        double = Cell(worker=cell.worker, workload=cell.workload, replicas=2 * cell.replicas)
        if double in rates:
            factor = rates[double] / rates[cell]
            row = {"worker": cell.worker, "workload": cell.workload, "from": cell.replicas}
            rows.append({**row, "factor": factor, "error": factor / TRUTH - 1})
    return rows


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
