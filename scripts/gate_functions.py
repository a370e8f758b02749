#!/usr/bin/env python3
"""Measure whether the gate names the function that changed, and none where nothing changed.

    .venv/bin/python -m scripts.gate_functions                       # 20 planted and 40 A/A
    .venv/bin/python -m scripts.gate_functions --changed 2 --aa 2    # the first of each
    .venv/bin/python -m scripts.gate_functions --judge               # the same by the present rules

Base is an application of 40 functions (scripts/zoo/shop.py). In a planted case one function of head
takes 5 % more of a request's CPU, in changing places, half of them in a new function that it calls;
the lines of head have moved. Each case brings up fresh starts of both, finds their load and takes
the gate's profile; the gate's pairs are left out. The file has a row for each case; those that it
has are not measured again, but for those that failed. It needs Docker, and the machine should be
idle otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from loadtests.environments.compose import images
from loadtests.gate import pipeline
from loadtests.gate.options import GateOptions
from loadtests.gate.report import verdict_json
from loadtests.gate.request import GateRequest
from loadtests.model.errors import Interrupted, TwofoldError
from loadtests.model.profiles.functions import FunctionChanges
from loadtests.targets import checkout
from loadtests.tools import files, signals
from scripts.zoo import image, shop
from scripts.zoo.shop import Planted

PROJECT = Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "results"
RUNS = RESULTS / "gate-functions"

BASE, HEAD = "twofold/functions-base:latest", "twofold/functions-head:latest"

CHANGED, AA = 20, 40
"""Cases with a planted change, and without."""

STRIDE = 7
"""Steps through the 40 functions from case to case: 7 and 40 have no divisor in common."""

SHARE_ERROR = 0.01
"""A share is right within a point of all CPU, of what was planted by the kernel's counters: see
:func:`planted_ratio`."""

RIGHT_CHANGED, RIGHT_NAMED = 0.95, 0.05
"""Planted functions that are named first, at least; A/A gates that name one, at most."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One profile: its name, and what is planted in head; None for A/A."""

    name: str
    seed: int
    planted: Planted | None = None


def cases(changed: int, aa: int) -> list[Case]:
    """Return the cases, two A/A for each planted one, so that both see the same machine."""
    planted = [
        Case(
            name=f"planted-{number:02d}",
            seed=number,
            planted=Planted(
                number=number * STRIDE % (len(shop.MODULES) * shop.EACH),
                kind=shop.KINDS[number % len(shop.KINDS)],
            ),
        )
        for number in range(1, changed + 1)
    ]
    same = [Case(name=f"aa-{number:02d}", seed=1000 + number) for number in range(1, aa + 1)]
    return list(_mixed(planted, same))


def _mixed(planted: Sequence[Case], same: Sequence[Case]) -> Iterator[Case]:
    """Yield both kinds in turns, each evenly spread."""
    kinds = [
        ((place + 0.5) / len(kind), order, case)
        for order, kind in enumerate((planted, same))
        for place, case in enumerate(kind)
    ]
    for _, _, case in sorted(kinds, key=lambda entry: entry[:2]):
        yield case


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing, write the file, and return 1 if it shows less than it must."""
    options = parse(argv)
    rows: list[dict[str, Any]] = []
    if options.out.exists():
        rows = json.loads(options.out.read_text())["rows"]
    wanted = cases(options.changed, options.aa)
    if options.judge:
        by_name = {case.name: case for case in cases(CHANGED, AA)}
        rows = [judged(row, by_name[row["case"]]) for row in rows]
    else:
        rows = [row for row in rows if "error" not in row]  # those are tried again
        have = {row["case"] for row in rows}
        todo = [case for case in wanted if case.name not in have]
        if todo:
            build(BASE, None)
        for number, case in enumerate(todo, start=1):
            try:
                with signals.handled():  # a signal ends the gate, too
                    rows.append(run_one(case))
            except Interrupted as error:
                say(f"{error} The same command goes on.")
                return 128 + error.signum
            write(options.out, rows)
            say(f"{number} of {len(todo)}: {json.dumps(rows[-1], ensure_ascii=False)}")
    write(options.out, rows)
    summary = summarised(rows)
    print(json.dumps({key: value for key, value in summary.items() if key != "rows"}))
    return 0 if holds(summary) else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--changed", type=int, default=CHANGED, help="planted cases")
    parser.add_argument("--aa", type=int, default=AA, help="cases without a change")
    parser.add_argument("--out", type=Path, default=RESULTS / "gate-functions.json")
    parser.add_argument("--judge", action="store_true", help="judge the rows again; measure none")
    return parser.parse_args(argv)


def say(line: str) -> None:
    """Tell a person how far it is."""
    print(line, file=sys.stderr, flush=True)


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the summary and the rows, as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, json.dumps(summarised(rows), indent=1, ensure_ascii=False) + "\n")


def summarised(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the counts that the campaign is about, with the rows."""
    truth = planted_ratio(rows)
    rows = [
        {**row, "share_right": _is_right(row.get("share"), truth)} if row["planted"] else row
        for row in rows
    ]
    planted = [row for row in rows if row["planted"]]
    same = [row for row in rows if not row["planted"]]
    return {
        "planted_ratio": truth,
        "changed": len(planted),
        "named_first": sum(bool(row.get("named_first")) for row in planted),
        "share_right": sum(row["share_right"] for row in planted),
        "others_named": sum(max(0, len(row.get("named", ())) - 1) for row in planted),
        "aa": len(same),
        "aa_named": sum(bool(row.get("named")) for row in same),
        "failed": sum("error" in row for row in rows),
        "rows": rows,
    }


def planted_ratio(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return how much more CPU a request takes in planted cases, as a share of base's.

    It is the mean of what the kernel counts, which knows no functions. The same rounds are planted
    in each case, but their share is not the same on all processors: Flask's code and the kernel's
    are faster or slower there beside a loop. Without a case it is what was meant.
    """
    wholes = [row["whole"] for row in rows if row["planted"] and row.get("whole") is not None]
    return round(fmean(wholes), 4) if wholes else shop.PLANTED_RATIO


def _is_right(share: float | None, truth: float) -> bool:
    return share is not None and abs(share - truth) <= SHARE_ERROR


def holds(summary: Mapping[str, Any]) -> bool:
    """Return whether the campaign shows what it must."""
    enough = min(summary["named_first"], summary["share_right"])
    return (
        not summary["failed"]
        and enough >= RIGHT_CHANGED * summary["changed"]
        and summary["aa_named"] <= RIGHT_NAMED * summary["aa"]
    )


def run_one(case: Case) -> dict[str, Any]:
    """Measure one case, and return its row."""
    started_s = time.monotonic()
    row: dict[str, Any] = {
        "case": case.name,
        "planted": case.planted.name if case.planted else None,
        "kind": case.planted.kind if case.planted else None,
    }
    try:
        if case.planted is not None:
            build(HEAD, case.planted)
        result, folder = pipeline.run(request(case), lambda _: None)
        row |= said(result.functions[0], case) | {"gate": folder.name}
    except Interrupted:
        raise
    except (TwofoldError, OSError) as error:
        row |= {"error": str(error)[-300:]}
    return row | {"seconds": round(time.monotonic() - started_s, 1)}


def request(case: Case) -> GateRequest:
    """Return the gate of a case: its profile alone."""
    return GateRequest(
        options=GateOptions(
            base=BASE,
            head=HEAD if case.planted else BASE,
            workload="/",
            scaling=False,
            profile=True,
        ),
        seed=case.seed,
        root=checkout.root(),
        here=PROJECT,
        results=RUNS,
        command="scripts/gate_functions.py",
        functions_only=True,
    )


def build(tag: str, planted: Planted | None) -> None:
    """Build the image of one version, and for base the sample's, on which both are."""
    if planted is None:
        image.build_on_the_samples(PROJECT, {}, say=say)
    with tempfile.TemporaryDirectory(prefix="twofold-shop-") as temporary:
        folder = Path(temporary)
        for name, text in shop.files(planted).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        images.build(tag, folder, folder / "Dockerfile", base=images.APP, say=lambda _: None)


def judged(row: Mapping[str, Any], case: Case) -> dict[str, Any]:
    """Return a row with what its gate says by the present rules."""
    if "gate" not in row:
        return dict(row)
    path = RUNS / str(row["gate"]) / "verdict.json"
    result = verdict_json.judge(verdict_json.parse(path.read_bytes(), name=str(path)))
    return {**row, **said(result.functions[0], case)}


def said(shown: FunctionChanges, case: Case) -> dict[str, Any]:
    """Return what a profile says: what it names, whether that is first and its share right."""
    if shown.unseen:
        return {"error": shown.unseen}
    first = shown.changed[0] if shown.changed else None
    row: dict[str, Any] = {
        "named": [str(change) for change in shown.changed],
        "said": shown.sentence,
        "pairs": shown.pairs,
        "samples": shown.samples,
        "tested": shown.tested,
        "least_chance": min((change.chance for change in shown.functions), default=None),
        "visible": round(shown.visible_ratio or 0.0, 4),
        "looking_cpus": shown.looking_cpus,
    }
    if case.planted is not None:
        share = first.change.estimate if first else None
        row |= {
            "named_first": first is not None and first.name == case.planted.name,
            "share": share,
            "whole": shown.whole.estimate if shown.whole else None,
        }
    return row


if __name__ == "__main__":
    raise SystemExit(main())
