"""The archive of recorded runs and gates, and how two results of the same case are compared."""

from __future__ import annotations

import json
import math
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loadtests import pipeline
from loadtests.gate.report import verdict_json
from loadtests.results.run_folder import Store

FOLDER = Path(__file__).parent
ARCHIVE = FOLDER / "recorded.tar.xz"
CASES = tuple((FOLDER / "cases.txt").read_text().split())
RUNS = tuple(case for case in CASES if case.startswith("runs/"))
GATES = tuple(case for case in CASES if case.startswith("gates/"))

EXPECTED_RUN = "expected-run.json"
EXPECTED_GATE = "expected-verdict.json"

NEAR_RATIO = 1e-6
"""By how much a number may differ. The fitted laws' last digits depend on the processor, for which
the linear algebra (OpenBLAS) has different code."""

OWN_VERSION = re.compile(r'(?<="twofold": ")[^"]*')


def unpack(folder: Path) -> None:
    """Unpack all cases below a folder."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")


def judge_run(folder: Path) -> str:
    """Work out ``run.json`` of a recorded run, in its folder."""
    pipeline.report(Store(folder))
    return (folder / "run.json").read_text()


def judge_gate(text: str, name: str) -> str:
    """Work out ``verdict.json`` of a recorded gate."""
    return verdict_json.render(verdict_json.judge(verdict_json.parse(text.encode(), name=name)))


def differences(now: str, then: str) -> Iterator[tuple[str, object, object]]:
    """Give what differs between two documents: where, what it is now, and what it was.

    Keys may be added: the contract allows it, and none may go or change its place.
    """
    yield from _differences("", *(json.loads(OWN_VERSION.sub("any", text)) for text in (now, then)))


def _kept(now: dict[str, Any], then: dict[str, Any]) -> bool:
    return [key for key in now if key in then] == list(then)


def _differences(where: str, now: Any, then: Any) -> Iterator[tuple[str, object, object]]:
    if isinstance(now, dict) and isinstance(then, dict) and _kept(now, then):
        for key in then:
            yield from _differences(f"{where}.{key}", now[key], then[key])
    elif isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        for index, (item_now, item_then) in enumerate(zip(now, then, strict=True)):
            yield from _differences(f"{where}[{index}]", item_now, item_then)
    elif isinstance(now, float) and isinstance(then, float):
        if not math.isclose(now, then, rel_tol=NEAR_RATIO, abs_tol=1e-9):
            yield where, now, then
    elif type(now) is not type(then) or now != then:
        yield where, now, then
