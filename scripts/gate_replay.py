#!/usr/bin/env python3
"""Judge recorded gates by other rules, and estimate the gate's error rate from 10,000 replays.

    .venv/bin/python scripts/gate_replay.py --gates 10000

It reads results/gate-starts.json (from scripts/gate_campaign.py) and writes
results/gate-rules.json, which has three parts:

- each rule's false alarms and misses on the real gates;
- the change that A/A gates would show if the versions were measured one after the other;
- the gate's verdicts on ``--gates`` A/A gates, drawn from all recorded A/A pairs. The two versions
  of a drawn pair are swapped at random, so that there is certainly no effect.
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
from loadtests.gate.model.vocabulary import GateVerdict

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"

MARGINS = {"throughput": 0.05, "cpu": 0.05, "p50": 0.1, "p99": 0.25}
SCALING_MARGIN = 0.1
TESTS = 6
"""Tests in a gate of one worker model: five endpoints, and the guard against failures."""

MINUTES_LOOKS = 4
"""Looks that fit into the default minutes: at 16, 24, 32 and 48 pairs."""

WORSE = ("burn5", "burn10")
SAME = ("aa", "neighbour")

Gate = dict[str, Any]
Says = Callable[[Gate], bool]
"""A rule: returns whether head is worse."""


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the recorded gates by every rule, and replay the gate on them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gates", type=int, default=10_000, help="A/A gates to replay")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(argv)
    gates: list[Gate] = json.loads((options.out / "gate-starts.json").read_text())["rows"]
    document = {
        "replayed": replay(gates, count=options.gates, seed=options.seed),
        "rules": table(gates),
        "orders": [orders(gates, case) for case in SAME],
    }
    (options.out / "gate-rules.json").write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document, indent=1))
    return 0


# -- the gate, again and again ------------------------------------------------------------------


def values_of(pair: dict[str, Any]) -> dict[str, float]:
    """Return a pair's log ratios by endpoint, except the median's; above 0 is better."""
    base, head = pair["base"], pair["head"]
    return {
        "throughput": math.log(head["rps"] / base["rps"]),
        "cpu": math.log(base["cpu_us"] / head["cpu_us"]),
        "p99": _mean_log(base["p99_ms"]) - _mean_log(head["p99_ms"]),
    }


def times_of(pair: dict[str, Any]) -> medians.Start:
    """Return the response times in base's and in head's open-loop windows."""
    base, head = (
        [medians.Times(pair[side]["count"], tuple(pair[side]["quantiles_ms"]))]
        for side in ("base", "head")
    )
    return base, head


def _mean_log(values: Sequence[float]) -> float:
    return fmean(math.log(value) for value in values)


def all_values(pairs: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the log ratios of a gate's pairs by endpoint."""
    own = [values_of(pair) for pair in pairs]
    log_ratios = {name: [pair_ratios[name] for pair_ratios in own] for name in own[0]}
    return {**log_ratios, "p50": list(medians.changes([times_of(pair) for pair in pairs]))}


def replay(gates: Sequence[Gate], *, count: int, seed: int) -> dict[str, Any]:
    """Draw gates from the recorded A/A pairs, judge them look by look, and count the verdicts."""
    pairs = [pair for gate in gates if gate["injected"] == "aa" for pair in gate["pairs"]]
    if not pairs:
        return {"gates": 0, "pairs": 0}
    starts_of_pairs = [(values_of(pair), times_of(pair)) for pair in pairs]
    rng = np.random.default_rng(seed)
    looks = error_spending.looks(error_spending.PAIR_LOOKS, MINUTES_LOOKS)
    verdicts: Counter[str] = Counter()
    used = 0
    for _ in range(count):
        drawn = [
            starts_of_pairs[number] for number in rng.integers(len(starts_of_pairs), size=looks[-1])
        ]
        turned = [
            _turned(*start) if turn else start
            for start, turn in zip(drawn, rng.random(looks[-1]) < 0.5, strict=True)
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
    """Return a pair with base and head swapped."""
    return {name: -value for name, value in own.items()}, (times[1], times[0])


def gated(
    drawn: Sequence[tuple[dict[str, float], medians.Start]], looks: Sequence[int]
) -> tuple[GateVerdict, int]:
    """Judge a gate of these pairs as ``twofold gate`` does; return verdict and pairs used."""
    verdict = GateVerdict.INCONCLUSIVE
    for look in looks:
        log_ratios = {name: [own[name] for own, _ in drawn[:look]] for name in drawn[0][0]}
        log_ratios["p50"] = list(medians.changes([times for _, times in drawn[:look]]))
        verdicts = {
            judge(log_ratios[name], rule(margin)).verdict for name, margin in MARGINS.items()
        }
        for verdict in (GateVerdict.REGRESSED, GateVerdict.INCONCLUSIVE, GateVerdict.IMPROVED):
            if verdict in verdicts:
                break
        else:
            verdict = GateVerdict.PASS
        if verdict is not GateVerdict.INCONCLUSIVE:
            return verdict, look
    return verdict, looks[-1]


def rule(margin: float) -> Rule:
    """Return the rule for an endpoint with this margin."""
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
    """Return the change of throughput that gates of one case show, by the order of measuring.

    For each order: the standard deviation over the gates, and the worst change; ratios less 1.
    """
    same_case = [gate for gate in gates if gate["injected"] == case]
    row: dict[str, Any] = {"injected": case, "gates": len(same_case)}
    for order, change in (("side_by_side", side_by_side), ("in_turns", in_turns)):
        changes = [change(gate) for gate in same_case]
        row[f"sd_{order}"] = round(stdev(changes), 4) if len(changes) > 1 else None
        row[f"worst_{order}"] = round(min(changes), 4) if changes else None
    return row


def mean_change(base: Sequence[dict[str, Any]], head: Sequence[dict[str, Any]]) -> float:
    """Return the change of mean throughput (a ratio less 1), from base's pairs to head's pairs."""
    return (
        fmean(pair["head"]["rps"] for pair in head) / fmean(pair["base"]["rps"] for pair in base)
        - 1
    )


def side_by_side(gate: Gate) -> float:
    """Return the change of throughput as the gate computes it: the mean of the log ratios."""
    return math.expm1(fmean(values_of(pair)["throughput"] for pair in gate["pairs"]))


def in_turns(gate: Gate) -> float:
    """Return the change if base were measured in the gate's first half and head in the second."""
    half = len(gate["pairs"]) // 2
    return mean_change(gate["pairs"][:half], gate["pairs"][half:])


# -- other rules --------------------------------------------------------------------------------


def table(gates: Sequence[Gate]) -> list[dict[str, Any]]:
    """Return one row per rule: its false alarms and its misses on the recorded gates."""
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
        alarms, of_same = _counted(gates, SAME, says, alarm=True)
        misses, of_worse = _counted(gates, WORSE, says, alarm=False)
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
    gates: Sequence[Gate], cases: Sequence[str], says: Says, *, alarm: bool
) -> tuple[int, int]:
    of_cases = [gate for gate in gates if gate["injected"] in cases]
    return sum(says(gate) is alarm for gate in of_cases), len(of_cases)


def _rate(count: int, of: int) -> float:
    return count / of if of else 0.0


def ours(gate: Gate) -> bool:
    """Return whether the gate itself, at its last look, calls head worse."""
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
    """Return number, mean and variance of the response times of one version."""
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
    counts: np.ndarray[Any, Any] = np.asarray([pair[side]["counts"] for pair in gate["pairs"]])
    added: np.ndarray[Any, Any] = counts.sum(axis=0)
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
    """Return a fixed limit as people set one: base's p99 in the first gate, plus 10 %."""
    first = next((gate for gate in gates if gate["injected"] == "aa"), None)
    return math.inf if first is None else 1.1 * _p99_us(first, "base")


if __name__ == "__main__":
    sys.exit(main())
