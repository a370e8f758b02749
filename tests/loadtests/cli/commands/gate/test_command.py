from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests.gate.analysis import verdict
from loadtests.gate.model import SideName
from loadtests.gate.report import verdict_json
from loadtests.model import errors
from tests.loadtests.builders import make_machine
from tests.loadtests.gate.builders import make_evidence, make_facts, make_gate_plan, make_side


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--workers", "gtread"), "Known: gthread, sync, gevent. Did you mean gthread?"),
        (("--workers", ""), "--workers names none"),
        (("--workers", "sync,sync"), "'sync' is named twice"),
        (("--workload", "disk"), "--workload 'disk' is unknown. Known: cpu, io, or a path"),
        (("--workload", "db"), "needs a store"),
        (("--margin", "2"), "--margin is 2"),
        (("--append", "yesterday"), "There is no gate 'yesterday'"),
        (("--judge", "no-such-file.json"), "no-such-file.json cannot be read"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    twofold: Any, argv: tuple[str, ...], message: str
) -> None:
    ended = twofold("gate", *argv)

    assert ended.code == errors.EXIT_USAGE
    assert message in ended.stderr
    assert ended.stdout == ""


def test_a_verdict_is_judged_again_from_its_file(twofold: Any, tmp_path: Path) -> None:
    file = tmp_path / "verdict.json"
    plan = make_gate_plan()
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))
    slower = verdict.conclude(
        make_facts(), make_machine(), sides, plan, make_evidence(plan, change=-0.3)
    )
    file.write_text(verdict_json.render(slower))

    ended = twofold("gate", "--judge", str(file), "--json")

    assert (ended.code, ended.document["verdict"]) == (errors.EXIT_NO, "regressed")
