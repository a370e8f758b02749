from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.gate import result_files
from loadtests.gate.analysis import history
from loadtests.gate.model.vocabulary import GateVerdict
from loadtests.model import errors
from tests.loadtests.gate.analysis.test_history import a_gate, merge


def test_without_a_history_it_is_said_how_one_is_made(twofold: Any) -> None:
    ended = twofold("gate", "history", "--json")

    assert ended.code == errors.EXIT_USAGE
    assert "Add gates to it: twofold gate --history." in ended.stderr


def test_without_merges_nothing_adds_up(twofold: Any, tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text("")

    ended = twofold("gate", "history", "--json")

    assert (ended.code, ended.document["merges"]) == (errors.EXIT_YES, 0)


@pytest.mark.parametrize(
    "tail", [b'{"gate_id": "gate', b"\xff", b"\0" * 100], ids=["torn", "no text", "zeros"]
)
def test_a_line_that_was_cut_off_is_left_out_and_removed_by_the_next_gate(
    twofold: Any, tmp_path: Path, tail: bytes
) -> None:
    path = tmp_path / "history.jsonl"
    whole = history.line(merge(-0.02)).encode()
    path.write_bytes(whole + tail)

    ended = twofold("gate", "history", "--json")
    assert (ended.code, ended.document["merges"]) == (errors.EXIT_YES, 1)

    result_files.add_to_history(tmp_path, a_gate(0.01), release=None)

    assert len(result_files.read_history(tmp_path)) == 2


@pytest.mark.parametrize(
    "line",
    [b"\xff\xfe\n", b"[]\n", b"[" * 10_000 + b"\n", b'{"at": 1}\n'],
    ids=["no text", "a list", "deep", "other fields"],
)
def test_a_line_that_is_no_gate_is_one_message(twofold: Any, tmp_path: Path, line: bytes) -> None:
    (tmp_path / "history.jsonl").write_bytes(line)

    ended = twofold("gate", "history")

    assert ended.code == errors.EXIT_USAGE
    assert "has a line that is not a gate of this version" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_gates_that_could_not_tell_are_counted_apart(twofold: Any, tmp_path: Path) -> None:
    merges = (merge(-0.02), replace(merge(-0.3), verdict=GateVerdict.INVALID))
    (tmp_path / "history.jsonl").write_text("".join(map(history.line, merges)))

    document = twofold("gate", "history", "--json").document

    assert (document["merges"], document["left_out"]) == (1, 1)
    assert document["total"]["gthread throughput"] == pytest.approx(-0.02)
    said = twofold("gate", "history").stdout
    assert "Left out, as they could not tell or were invalid: 1." in said
