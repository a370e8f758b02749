#!/usr/bin/env python3
"""What would other rules have said of the same starts, and how often does the gate err in 10,000?

    .venv/bin/python scripts/gate_replay.py --gates 10000

Reads results/gate-starts.json (scripts/gate_campaign.py writes it) and writes
results/gate-rules.json: the false alarms and misses of each rule on the real gates, what the A/A
gates would have read had one version been measured after the other, and what the gate itself says
of as many A/A gates as asked, each drawn from all recorded starts of one version against itself.
Drawn pairs are turned round or not by the toss of a coin, so that there is no effect for certain.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
from scipy import stats

from loadtests.gate.analysis import error_spending, medians
from loadtests.gate.analysis.decision import Rule, judge
from loadtests.gate.model import GateVerdict

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"

MARGINS = {"throughput": 0.05, "cpu": 0.05, "p50": 0.1, "p99": 0.25}
SCALING_MARGIN = 0.1
TESTS = 6
"""As in a gate of one worker model: five endpoints, and the guard against failures."""

MINUTES_LOOKS = 4
"""Looks that the default minutes allow: at 16, 24, 32 and 48 pairs."""

WORSE = ("burn5", "burn10")
SAME = ("aa", "neighbour")

Gate = dict[str, Any]
Says = Callable[[Gate], bool]
"""Whether a rule calls a gate's head worse."""


def main(argv: Sequence[str] | None = None) -> int:
    """Judge what is recorded by every rule, and replay the gate on it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gates", type=int, default=10_000, help="A/A gates to replay")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(argv)
    gates: list[Gate] = json.loads((options.out / "gate-starts.json").read_text())["rows"]
    found = {
        "replayed": replay(gates, count=options.gates, seed=options.seed),
        "rules": table(gates),
        "orders": [orders(gates, case) for case in SAME],
    }
    (options.out / "gate-rules.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 0


# -- the gate, again and again ------------------------------------------------------------------


def values_of(pair: dict[str, Any]) -> dict[str, float]:
    """Return a pair's log ratios, but for the median's; above 0 is better."""
    base, head = pair["base"], pair["head"]
    return {
        "throughput": math.log(head["rps"] / base["rps"]),
        "cpu": math.log(base["cpu_us"] / head["cpu_us"]),
        "p99": _mean_log(base["p99_ms"]) - _mean_log(head["p99_ms"]),
    }


def times_of(pair: dict[str, Any]) -> medians.Start:
    """Return how long the requests of base's and of head's open windows took."""
    base, head = (
        [medians.Times(pair[side]["count"], tuple(pair[side]["quantiles_ms"]))]
        for side in ("base", "head")
    )
    return base, head


def _mean_log(values: Sequence[float]) -> float:
    return fmean(math.log(value) for value in values)


def all_values(pairs: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Return every endpoint's log ratios of a gate's pairs."""
    own = [values_of(pair) for pair in pairs]
    found = {name: [each[name] for each in own] for name in own[0]}
    return {**found, "p50": list(medians.changes([times_of(pair) for pair in pairs]))}


def replay(gates: Sequence[Gate], *, count: int, seed: int) -> dict[str, Any]:
    """Draw gates from the recorded A/A pairs, look after look, and count what the gate says."""
    pairs = [pair for gate in gates if gate["injected"] == "aa" for pair in gate["pairs"]]
    if not pairs:
        return {"gates": 0, "pairs": 0}
    known = [(values_of(pair), times_of(pair)) for pair in pairs]
    rng = np.random.default_rng(seed)
    looks = error_spending.looks(error_spending.PAIR_LOOKS, MINUTES_LOOKS)
    verdicts: Counter[str] = Counter()
    used = 0
    for _ in range(count):
        drawn = [known[number] for number in rng.integers(len(known), size=looks[-1])]
        turned = [
            _turned(*each) if turn else each
            for each, turn in zip(drawn, rng.random(looks[-1]) < 0.5, strict=True)
        ]
        verdict, starts = gated(turned, looks)
        verdicts[verdict] += 1
        used += starts
    return {
        "gates": count,
        "pairs": len(pairs),
        **{verdict: verdicts[verdict] for verdict in GateVerdict},
        "mean_starts": used / count,
    }


def _turned(own: dict[str, float], times: medians.Start) -> tuple[dict[str, float], medians.Start]:
    """Return a pair as it would be with base and head swapped."""
    return {name: -value for name, value in own.items()}, (times[1], times[0])


def gated(
    drawn: Sequence[tuple[dict[str, float], medians.Start]], looks: Sequence[int]
) -> tuple[GateVerdict, int]:
    """Judge a gate of these starts as it is judged when it is measured."""
    verdict = GateVerdict.INCONCLUSIVE
    for look in looks:
        seen = {name: [own[name] for own, _ in drawn[:look]] for name in drawn[0][0]}
        seen["p50"] = list(medians.changes([times for _, times in drawn[:look]]))
        said = {judge(seen[name], rule(margin)).verdict for name, margin in MARGINS.items()}
        for verdict in (GateVerdict.REGRESSED, GateVerdict.INCONCLUSIVE, GateVerdict.IMPROVED):
            if verdict in said:
                break
        else:
            verdict = GateVerdict.PASS
        if verdict is not GateVerdict.INCONCLUSIVE:
            return verdict, look
    return verdict, looks[-1]


def rule(margin: float) -> Rule:
    """Return what an endpoint with this margin is judged by."""
    looks = error_spending.looks(error_spending.PAIR_LOOKS, 12)
    return Rule(
        margin=margin,
        alpha=error_spending.ALPHA,
        beta=error_spending.BETA,
        tests=TESTS,
        looks=looks,
    )


# -- the same data in another order -------------------------------------------------------------


def orders(gates: Sequence[Gate], case: str) -> dict[str, Any]:
    """Return the change of throughput that gates of one version read, by the order of measuring.

    Each as standard deviation over the gates and as the change of the worst one, as a ratio less 1.
    """
    mine = [gate for gate in gates if gate["injected"] == case]
    found: dict[str, Any] = {"injected": case, "gates": len(mine)}
    for order, change in (("side_by_side", side_by_side), ("in_turns", in_turns)):
        changes = [change(gate) for gate in mine]
        found[f"sd_{order}"] = round(stdev(changes), 4) if len(changes) > 1 else None
        found[f"worst_{order}"] = round(min(changes), 4) if changes else None
    return found


def mean_change(base: Sequence[dict[str, Any]], head: Sequence[dict[str, Any]]) -> float:
    """Return the change of mean throughput, a ratio less 1: base in some pairs, head in some."""
    return (
        fmean(pair["head"]["rps"] for pair in head) / fmean(pair["base"]["rps"] for pair in base)
        - 1
    )


def side_by_side(gate: Gate) -> float:
    """Return the change of throughput as the gate reads it: the mean of the pairs' log ratios."""
    return math.expm1(fmean(values_of(pair)["throughput"] for pair in gate["pairs"]))


def in_turns(gate: Gate) -> float:
    """Return the change that two runs one after the other read: base's half of the gate, head's."""
    half = len(gate["pairs"]) // 2
    return mean_change(gate["pairs"][:half], gate["pairs"][half:])


# -- other rules --------------------------------------------------------------------------------


def table(gates: Sequence[Gate]) -> list[dict[str, Any]]:
    """Return for every rule its false alarms and its misses on the recorded gates."""
    limit_us = _limit_us(gates)
    rules: dict[str, Says] = {
        "twofold gate": ours,
        "mean throughput 5 % lower": lambda gate: mean_change(gate["pairs"], gate["pairs"]) < -0.05,
        "mean throughput 10 % lower": lambda gate: mean_change(gate["pairs"], gate["pairs"]) < -0.1,
        "Welch's t on requests, p < 0.05": welch,
        "Mann-Whitney on requests, p < 0.05": mann_whitney,
        "t after every start until p < 0.05": until_significant,
        "p99 of head above a fixed limit": lambda gate: _p99_us(gate, "head") > limit_us,
        "one after the other, 5 % lower": lambda gate: in_turns(gate) < -0.05,
    }
    rows = []
    for name, says in rules.items():
        alarms, of_same = _counted(gates, SAME, says, wanted=True)
        misses, of_worse = _counted(gates, WORSE, says, wanted=False)
        rows.append(
            {
                "rule": name,
                "false_alarms": alarms,
                "of_same": of_same,
                "misses": misses,
                "of_worse": of_worse,
                "sum_of_rates": _rate(alarms, of_same) + _rate(misses, of_worse),
            }
        )
    return rows


def _counted(
    gates: Sequence[Gate], cases: Sequence[str], says: Says, *, wanted: bool
) -> tuple[int, int]:
    mine = [gate for gate in gates if gate["injected"] in cases]
    return sum(says(gate) is wanted for gate in mine), len(mine)


def _rate(count: int, of: int) -> float:
    return count / of if of else 0.0


def ours(gate: Gate) -> bool:
    """Say what the gate says of its pairs, at the look where it was stopped."""
    values = all_values(gate["pairs"])
    return any(
        judge(values[name], rule(margin)).verdict is GateVerdict.REGRESSED
        for name, margin in MARGINS.items()
    )


def welch(gate: Gate) -> bool:
    """Compare the mean times of all requests (Welch 1947), as if each were independent."""
    (n, base, own), (m, head, other) = (_moments(gate, side) for side in ("base", "head"))
    error = math.sqrt(own / n + other / m)
    return (head - base) / error > float(stats.norm.ppf(0.95))


def _moments(gate: Gate, side: str) -> tuple[int, float, float]:
    """Return number, mean and variance of all requests of one side."""
    parts = [pair[side] for pair in gate["pairs"] if pair[side]["mean_us"] is not None]
    sizes = [sum(part["counts"]) for part in parts]
    total = sum(sizes)
    mean = sum(size * part["mean_us"] for size, part in zip(sizes, parts, strict=True)) / total
    square = sum(
        size * (part["sd_us"] ** 2 + part["mean_us"] ** 2)
        for size, part in zip(sizes, parts, strict=True)
    )
    return total, mean, square / total - mean**2


def _counts(gate: Gate, side: str) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = np.asarray([pair[side]["counts"] for pair in gate["pairs"]])
    added: np.ndarray[Any, Any] = found.sum(axis=0)
    return added


def mann_whitney(gate: Gate) -> bool:
    """Compare the ranks of all requests (Mann and Whitney 1947), ties corrected."""
    base, head = _counts(gate, "base"), _counts(gate, "head")
    n, m = int(base.sum()), int(head.sum())
    below = np.concatenate(([0], np.cumsum(base)[:-1]))
    wins = float(np.sum(head * (below + base / 2)))
    both, total = base + head, n + m
    ties = float(np.sum(both.astype(float) ** 3 - both)) / (total * (total - 1))
    spread = math.sqrt(n * m / 12 * (total + 1 - ties))
    return (wins - n * m / 2) / spread > float(stats.norm.ppf(0.95))


def until_significant(gate: Gate) -> bool:
    """Test after every start from the second on, and stop at the first p below 0.05."""
    logs = [values_of(pair)["throughput"] for pair in gate["pairs"]]
    return any(
        float(stats.ttest_1samp(logs[:count], 0.0, alternative="less").pvalue) < 0.05
        for count in range(2, len(logs) + 1)
    )


def _p99_us(gate: Gate, side: str) -> float:
    return 1000 * math.exp(fmean(_mean_log(pair[side]["p99_ms"]) for pair in gate["pairs"]))


def _limit_us(gates: Sequence[Gate]) -> float:
    """Return a limit as people set one: a tenth above what base showed on the day it was set."""
    first = next((gate for gate in gates if gate["injected"] == "aa"), None)
    return math.inf if first is None else 1.1 * _p99_us(first, "base")


if __name__ == "__main__":
    sys.exit(main())
