"""Benchmark items that disturb whole runs: the generator throttled, or one worker killed."""

from __future__ import annotations

import random
import time

from loadtests.model.errors import EXIT_CANNOT_TELL
from scripts.generator_bench import harness
from scripts.generator_bench.figures import Item
from scripts.generator_bench.processes import held

RUNS = 10

HELD_SHARE = 0.05
"""Share of a core to which the generator is limited."""

KILLED_PART = 0.85
"""Part of the time under load in which a worker is killed; after the last trial it is no harm."""


def saturation() -> Item:
    """Whole runs with the generator held to 5 % of a core, and left alone: which are flagged."""
    flagged = {"held": 0, "clean": 0}
    codes: dict[str, list[int]] = {"held": [], "clean": []}
    details: list[str] = []

    def hold(pid: int) -> None:
        with held(harness.generators_of(pid)[0], HELD_SHARE):
            while harness.generators_of(pid):
                time.sleep(0.1)

    for number in range(RUNS):
        for kind, disturb in (("held", hold), ("clean", None)):
            ended = harness.run(disturb, seed=number)
            flagged[kind] += bool(ended.saturated)
            codes[kind].append(ended.code)
            details += [f"{kind} {number}: {detail}" for detail in ended.saturated[:1]]
    return Item(
        figures={
            "held_runs": RUNS,
            "held_runs_flagged": flagged["held"],
            "held_runs_exit_codes": codes["held"],
            "clean_runs": RUNS,
            "clean_runs_flagged": flagged["clean"],
            "clean_runs_exit_codes": codes["clean"],
            "saturation_told": details,
        },
        bounds=(
            ("held_runs_flagged", "is", RUNS),
            ("clean_runs_flagged", "is", 0),
            ("held_runs_exit_codes", "is", [EXIT_CANNOT_TELL] * RUNS),
        ),
    )


def lost_worker() -> Item:
    """One of two workers is killed at a random moment of a whole run: it is invalid, each time."""
    rng = random.Random(1)
    alone = harness.run(processes=2)
    moments_s, ends = [], []
    for number in range(RUNS):
        after_s = rng.uniform(0.0, KILLED_PART * alone.loading_s)
        ended = harness.run(harness.kill_one(rng.choice, after_s), processes=2, seed=number)
        moments_s.append(round(after_s, 2))
        reported = any("went missing" in detail for detail in ended.saturated)
        ends.append((ended.document.get("verdict"), ended.code, reported))
    return Item(
        figures={
            "killed_runs": RUNS,
            "killed_runs_invalid": sum(end == ("invalid", EXIT_CANNOT_TELL, True) for end in ends),
            "killed_runs_ended_as": [f"{verdict}, exit {code}" for verdict, code, _ in ends],
            "killed_after_s": moments_s,
            "undisturbed_run_with_two_workers_flagged": len(alone.saturated),
        },
        bounds=(
            ("killed_runs_invalid", "is", RUNS),
            ("undisturbed_run_with_two_workers_flagged", "is", 0),
        ),
    )
