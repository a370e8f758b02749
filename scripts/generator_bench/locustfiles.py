"""What users' own locustfiles cost beside stock Locust, on the same server and in turns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from scripts.generator_bench.child import PROJECT, Generator, pinned
from scripts.generator_bench.figures import Item, median_ratio
from scripts.generator_bench.servers import static_nginx

FILES = Path(__file__).with_name("files")

BOUNDS = {"httpuser": 4.0, "fasthttpuser": 3.0}
"""The least ratio of stock Locust's CPU for a request over ours, by the file's kind of user."""

USERS = 16
ROUNDS = 5
WINDOW_S = 2.0


def locustfiles(own: int | None, other: int | None) -> Item:
    """Requests per CPU-second of two plain files, ours over stock Locust's.

    ``own`` is the core of the generators and ``other`` that of the server.
    """
    ours: dict[str, list[float]] = {kind: [] for kind in BOUNDS}
    stock: dict[str, list[float]] = {kind: [] for kind in BOUNDS}
    with static_nginx(other) as url, Generator(own) as generator:
        for _ in range(ROUNDS):
            for kind in BOUNDS:
                path = FILES / f"plain_{kind}.py"
                ours[kind].append(by_ours(generator, url, path))
                stock[kind].append(by_stock(own, url, path))
    figures: dict[str, object] = {}
    for kind in BOUNDS:
        figures[f"times_{kind}_file"] = round(median_ratio(ours[kind], stock[kind]), 2)
        figures[f"{kind}_file_requests_per_cpu_s"] = [round(figure) for figure in ours[kind]]
        figures[f"{kind}_file_stock_requests_per_cpu_s"] = [round(rate) for rate in stock[kind]]
    return Item(
        figures=figures,
        bounds=tuple((f"times_{kind}_file", "at_least", least) for kind, least in BOUNDS.items()),
    )


def by_ours(generator: Generator, url: str, path: Path) -> float:
    """Return the correct answers for each CPU-second of one trial of ours."""
    trial = generator.trial(
        base_url=url, locustfile={"path": str(path)}, users=USERS, seed=1, window_s=WINDOW_S
    )
    if trial.finished["user_errors"]:
        raise RuntimeError(f"{path.name}: {trial.finished['user_error']}")
    return float(len(trial.completed) / trial.finished["cpu_s"])


def by_stock(core: int | None, url: str, path: Path) -> float:
    """Return the requests for each CPU-second of stock Locust, without a failed one."""
    command = (
        *pinned(core),
        *(sys.executable, "-m", "scripts.generator_bench.rivals"),
        *(str(path), url, str(USERS), str(WINDOW_S)),
    )
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=PROJECT)
    figures = json.loads(done.stdout)
    if figures["failures"]:
        raise RuntimeError(f"{path.name}: {figures['failures']} failures with stock Locust")
    return float(figures["requests"] / figures["cpu_s"])
