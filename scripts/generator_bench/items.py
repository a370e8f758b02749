"""Benchmark items of the generator, one function each; each returns figures and bounds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from scripts.generator_bench.child import PROJECT, Generator, TrialData, pinned
from scripts.generator_bench.figures import Item, excess, median_ratio
from scripts.generator_bench.locustfiles import locustfiles
from scripts.generator_bench.processes import kept_awake, real_time, resident_mib
from scripts.generator_bench.servers import static_nginx, stub
from scripts.generator_bench.whole_runs import lost_worker, saturation

USERS = 16
ROUNDS = 5
WINDOW_S = 2.0
TRIALS = 10
DELAY_RPS = 500.0

Moments = npt.NDArray[np.float64]


def cores() -> tuple[int | None, int | None]:
    """Return the cores of generator and server; (None, None) with a single core."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def cost() -> Item:
    """Requests per CPU-second beside stock Locust's and a bare loop's, in turns."""
    ours, stock, bare, ceiling_rps = [], [], [], []
    own, other = cores()
    with static_nginx(other) as url, Generator(own) as generator:
        for _ in range(ROUNDS):
            trial = generator.trial(base_url=url, users=USERS, window_s=WINDOW_S)
            ours.append(len(trial.completed) / trial.finished["cpu_s"])
            ceiling_rps.append(len(trial.completed) / WINDOW_S)
            stock.append(rival("fasthttpuser", url)["requests_per_cpu_s"])
            bare.append(rival("bare", url)["requests_per_cpu_s"])
    return Item(
        figures={
            "times_fasthttpuser": round(median_ratio(ours, stock), 2),
            "share_of_bare_loop": round(median_ratio(ours, bare), 3),
            "requests_per_cpu_s": [round(figure) for figure in ours],
            "fasthttpuser_requests_per_cpu_s": [round(figure) for figure in stock],
            "bare_loop_requests_per_cpu_s": [round(figure) for figure in bare],
            "ceiling_rps": [round(figure) for figure in ceiling_rps],
        },
        bounds=(("times_fasthttpuser", "at_least", 5.5), ("share_of_bare_loop", "at_least", 0.45)),
    )


def rival(kind: str, url: str, users: int = USERS, rate_rps: float = 0.0) -> dict[str, Any]:
    """Run a rival on the generator's core; return its figures of the window."""
    command = (
        *pinned(cores()[0]),
        *(sys.executable, "-m", "scripts.generator_bench.rivals"),
        *(kind, url, str(users), str(WINDOW_S), str(rate_rps)),
    )
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=PROJECT)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures | {"requests_per_cpu_s": figures["requests"] / figures["cpu_s"]}


def known_delays() -> Item:
    """Percentiles of a stub that answers after a known time, at 500 rps.

    This measures the error of the client, not that of the machine's scheduler. So stub and
    generator have real-time priority if this user may set it, their cores are kept awake, and the
    median of three trials counts; one trial at ordinary priority is recorded too. The stub logs
    when each request arrived and was answered, which separates its own delay from the client's.
    """
    rows, worst, worst_client = [], 0.0, 0.0
    own, other = cores()
    with stub("delay", other) as (url, pid), Generator(own) as generator:
        for delay_ms in (1, 2, 5, 20, 100):
            ordinary = delays(generator, url, delay_ms)
            with kept_awake(own), kept_awake(other), real_time(pid, generator.pid) as permitted:
                trials = [delays(generator, url, delay_ms) for _ in range(3)]
            medians = {key: median(trial[key] for trial in trials) for key in ordinary}
            locust = rival("fasthttpuser", f"{url}/{delay_ms}", users=100, rate_rps=DELAY_RPS)
            for key in ("p50_ms", "p99_ms"):
                worst = max(worst, excess(medians[key], delay_ms))
                worst_client = max(
                    worst_client,
                    *(
                        excess(trial_figures[key], trial_figures[f"stub_{key}"])
                        for trial_figures in (*trials, ordinary)
                    ),
                )
            rows.append(
                {
                    "delay_ms": delay_ms,
                    **medians,
                    "at_ordinary_priority": ordinary,
                    "locust_p50_ms": locust["p50_ms"],
                    "locust_p99_ms": locust["p99_ms"],
                }
            )
    return Item(
        figures={
            "known_delays": rows,
            "known_delays_at_real_time_priority": permitted,
            "worst_share_of_allowed_error": round(worst, 3),
            "worst_share_of_allowed_error_against_what_the_stub_did": round(worst_client, 3),
        },
        bounds=(
            ("worst_share_of_allowed_error", "at_most", 1.0),
            ("worst_share_of_allowed_error_against_what_the_stub_did", "at_most", 1.0),
        ),
    )


def delayed(generator: Generator, url: str, delay_ms: int) -> TrialData:
    """Return a trial of fixed arrivals against the stub that answers after a known time."""
    return generator.trial(
        base_url=url,
        path=f"/{delay_ms}",
        mode="open",
        rate_rps=DELAY_RPS,
        seed=delay_ms,
        settle_s=0.3,
        window_s=WINDOW_S,
    )


def delays(generator: Generator, url: str, delay_ms: int) -> dict[str, float]:
    """Return the percentiles of one trial against the delaying stub, and of each part's delay.

    One process sends all requests, and the loopback interface keeps their order. So the n-th
    request sent is the n-th that arrived.
    """
    stub_log(generator, url)
    trial = delayed(generator, url, delay_ms)
    arrived_s, answered_s = stub_log(generator, url)
    columns = trial.columns
    in_order = np.argsort(columns["sent_us"], kind="stable")
    opened_s = trial.finished["opened_at_s"]
    moments = {
        name: opened_s + columns[f"{name}_us"][in_order] / 1e6 for name in ("due", "sent", "done")
    }
    if len(arrived_s) != len(in_order):
        raise RuntimeError(f"{len(in_order)} requests were sent and {len(arrived_s)} arrived")
    due, sent, done = (values[np.isin(in_order, trial.due)] for values in moments.values())
    arrived, answered = (values[np.isin(in_order, trial.due)] for values in (arrived_s, answered_s))
    times_ms = {
        "": done - sent,
        "stub_": answered - arrived,
        "client_error_": (done - sent) - (answered - arrived),
        "from_due_": done - due,
        "due_to_sent_": sent - due,
        "sent_to_arrived_": arrived - sent,
        "answered_to_done_": done - answered,
    }
    return {
        f"{name}p{percent}_ms": round(float(np.percentile(values, percent)) * 1e3, 3)
        for name, values in times_ms.items()
        for percent in (50, 99)
    }


def stub_log(generator: Generator, url: str) -> tuple[Moments, Moments]:
    """Return when the requests since the last call arrived, and when they were answered."""
    answer = generator.ask(op="fetch", id="log", urls=[f"{url}/log"])
    pairs = np.array(json.loads(answer["answers"][0]["body"]), dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def stall() -> Item:
    """A server that stalls 1 s in every 10 s: what the open loop shows, and the closed one not."""
    own, other = cores()
    with stub("stall", other) as (url, _), Generator(own) as generator:
        return stalls_of(generator, url)


def stalls_of(generator: Generator, url: str) -> Item:
    """Return what a generator shows of the stalling stub."""
    opened = generator.trial(
        base_url=url, mode="open", rate_rps=200, max_in_flight=1000, seed=1, window_s=20
    )
    closed = generator.trial(base_url=url, users=2, window_s=20)
    due_ms = opened.milliseconds(opened.due, since="due")
    closed_ms = closed.milliseconds(closed.completed, since="sent")
    return Item(
        figures={
            "stall_p99_from_due_ms": round(float(np.percentile(due_ms, 99)), 1),
            "stall_closed_loop_p99_ms": round(float(np.percentile(closed_ms, 99)), 1),
            "stall_dropped": opened.finished["dropped"],
        },
        bounds=(
            ("stall_p99_from_due_ms", "at_least", 800.0),
            ("stall_closed_loop_p99_ms", "at_most", 100.0),
            ("stall_dropped", "is", 0),
        ),
    )


def fuzz() -> Item:
    """Broken answers: the client must not hang or crash, and must count each once."""
    cases = 2_600
    command = (sys.executable, "-m", "scripts.generator_bench.fuzz", str(cases), "1")
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=PROJECT, timeout=120)
    summary = json.loads(done.stdout)
    return Item(
        figures={
            "fuzz_cases": summary["cases"],
            "fuzz_recorded": summary["recorded"],
            "fuzz_in_locust_statistics": summary["in_locust_statistics"],
            "fuzz_counted_as_another_kind": len(summary["wrong"]),
            "fuzz_counted": summary["counted"],
        },
        bounds=(
            ("fuzz_recorded", "is", cases),
            ("fuzz_in_locust_statistics", "is", cases),
            ("fuzz_counted_as_another_kind", "is", 0),
        ),
    )


def rate() -> Item:
    """The offered rate over 10 s, and whether the arrivals are those of a Poisson process."""
    own, other = cores()
    with static_nginx(other) as url, Generator(own) as generator:
        return rates_of(generator, url)


def rates_of(generator: Generator, url: str) -> Item:
    """Return the rates that a generator offers to nginx."""
    rows, worst, least_p = [], 0.0, 1.0
    span_s = 10.0
    for rate_rps in (50, 500, 5_000):
        for kind in ("constant", "poisson"):
            trial = generator.trial(
                base_url=url,
                mode="open",
                rate_rps=rate_rps,
                arrivals=kind,
                max_in_flight=2 * rate_rps,
                seed=rate_rps,
                window_s=span_s,
            )
            sent_us = trial.columns["sent_us"][trial.columns["outcome"] == 0]
            offered_rps = int(((sent_us >= 0) & (sent_us < span_s * 1e6)).sum()) / span_s
            off = abs(offered_rps / rate_rps - 1)
            p_value = None
            if kind == "poisson":
                # The rows of one process are in this order; those of several follow one another.
                due_s = np.sort(trial.columns["due_us"][trial.due]) / 1e6
                gaps_s = np.asarray(np.diff(due_s), dtype=np.float64)
                p_value = float(stats.kstest(gaps_s, "expon", args=(0, 1 / rate_rps)).pvalue)
                least_p = min(least_p, p_value)
            worst = max(worst, off)
            rows.append(
                {
                    "rate_rps": rate_rps,
                    "arrivals": kind,
                    "offered_rps": offered_rps,
                    "ks_p_value": p_value,
                }
            )
    return Item(
        figures={
            "rates": rows,
            "worst_rate_error_ratio": round(worst, 5),
            "least_ks_p_value": round(least_p, 4),
        },
        bounds=(
            ("worst_rate_error_ratio", "at_most", 0.005),
            ("least_ks_p_value", "at_least", 0.01),
        ),
    )


def memory() -> Item:
    """Trials one after another: what they recorded must not stay."""
    sizes_mib, rows = [], 0
    own, other = cores()
    with static_nginx(other) as url, Generator(own) as generator:
        for _ in range(TRIALS):
            trial = generator.trial(base_url=url, users=USERS, window_s=3.0)
            rows += len(trial.columns["due_us"])
            sizes_mib.append(resident_mib(generator.pid))
    return Item(
        figures={
            "requests_in_all": rows,
            "resident_mib": [round(size, 1) for size in sizes_mib],
            "resident_growth_mib": round(sizes_mib[-1] - sizes_mib[1], 1),
        },
        bounds=(("resident_growth_mib", "at_most", 16.0),),
    )


def files() -> Item:
    """Plain locustfiles beside stock Locust, with cookies and JSON, in turns."""
    return locustfiles(*cores())


ITEMS: Mapping[str, Callable[[], Item]] = {
    "cost": cost,
    "locustfiles": files,
    "known_delays": known_delays,
    "stall": stall,
    "saturation": saturation,
    "lost_worker": lost_worker,
    "fuzz": fuzz,
    "rate": rate,
    "memory": memory,
}
"""The items by the names of ``--items``, in the order of measuring."""
