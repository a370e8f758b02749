import ast
import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts import list_or_file


def a_row(load: str, worker: str = "sync", **fields: Any) -> dict[str, Any]:
    figures = {"factor": 2.0, "low": 1.95, "high": 2.05, "verdict": "scales"}
    return {"workload": load, "worker": worker, "from": 1, "to": 2, **figures, **fields}


def a_run(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"run_id": "r", "rounds": 6, "doublings": list(rows)}


@pytest.mark.parametrize(
    ("fields", "agrees"),
    [
        ({}, True),
        ({"factor": 2.1, "low": 2.05, "high": 2.15}, True),
        ({"factor": 2.1, "low": 2.06, "high": 2.15}, False),
        ({"factor": 1.9, "low": 1.85, "high": 1.94}, False),
        ({"low": None, "high": None}, False),
        ({"verdict": "invalid"}, False),
    ],
)
def test_factors_agree_if_their_intervals_overlap(fields: dict[str, Any], agrees: bool) -> None:
    (row,) = list_or_file.pairs_of(a_run(a_row("list"), a_row("file", **fields)))

    assert row["agrees"] is agrees


def test_a_pair_is_of_one_worker() -> None:
    rows = list_or_file.pairs_of(
        a_run(
            *(a_row("file", worker, factor=factor) for worker, factor in (("a", 1.9), ("b", 2.1))),
            *(a_row("list", worker) for worker in ("b", "a")),
        )
    )

    assert [(row["worker"], row["file_factor"]) for row in rows] == [("b", 2.1), ("a", 1.9)]


def test_the_table_counts_pairs_of_all_runs_and_is_written_after_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    apart = a_row("file", low=2.2, high=2.3)
    documents = iter([a_run(a_row("list"), a_row("file")), a_run(a_row("list"), apart)])
    asked: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...], **_others: Any) -> subprocess.CompletedProcess[str]:
        asked.append(argv)
        return subprocess.CompletedProcess(argv, 3, json.dumps(next(documents)))

    monkeypatch.setattr(subprocess, "run", run)
    out = tmp_path / "table.json"

    code = list_or_file.main(["--out", str(out), "--workers", "sync"])

    table = json.loads(out.read_text())
    assert (code, table["tried"], table["agreeing"], len(table["rows"])) == (1, 2, 1, 2)
    assert {"--backend", "processes", "list,file"} <= set(asked[0])


def test_list_and_file_ask_the_same_with_the_same_weights() -> None:
    files = list_or_file.files()
    lines = tomllib.loads(files["twofold.toml"])["workloads"]["list"]["requests"]
    module = ast.parse(files["locustfile.py"])
    tasks = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    asked = []
    for task in tasks:
        constants: list[Any] = [
            next(node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
            for tree in (task.decorator_list[0], task.body[0])
        ]
        asked.append("{} GET {}".format(*constants))

    assert asked == lines
    assert all(f'"{line.split()[-1]}"' in files["shop.py"] for line in lines)
