"""The composite action: what it uses, what it calls, and how each exit code ends the job."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import CHECKOUT

ACTION: dict[str, Any] = yaml.safe_load((CHECKOUT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
GATE = next(step for step in STEPS if step.get("id") == "gate")
INSTALL = next(step for step in STEPS if step.get("name") == "Install Twofold")

STUB = """#!/bin/sh
printf '%s\\n' "$@" > "$RUNNER_TEMP/words"
exit {code}
"""


def step(
    folder: Path, *, code: int = 0, **inputs: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """Run the gate's step with a stub; give how it ended and the step's outputs."""
    program = folder / "twofold/bin/twofold"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(STUB.format(code=code))
    program.chmod(0o755)
    (folder / "output").unlink(missing_ok=True)
    given = {"BASE": "", "HEAD": "", "ARGUMENTS": "", "FAIL_IF_UNSURE": "false"}
    own = {"ARTIFACT_NAME": "", "JOB": "gate", "JOB_INDEX": "0"}
    done = subprocess.run(
        ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", GATE["run"]),
        env={
            "PATH": os.environ["PATH"],
            "RUNNER_TEMP": str(folder),
            "GITHUB_OUTPUT": str(folder / "output"),
            **given,
            **own,
            **inputs,
        },
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    lines = (folder / "output").read_text().splitlines()
    return done, dict(line.split("=", 1) for line in lines)


def run(folder: Path, *, code: int = 0, **inputs: str) -> tuple[int, list[str], str]:
    """Run the gate's step with a stub; give its exit code, the stub's words and the output."""
    done, outputs = step(folder, code=code, **inputs)
    assert done.stderr == ""
    assert outputs == {
        "folder": f"{folder}/performance-gate-1",
        "artifact": "performance-gate-gate-0",
        "exit-code": str(code),
    }
    return done.returncode, (folder / "words").read_text().splitlines(), done.stdout


def test_every_action_is_pinned_by_a_hash() -> None:
    page = (CHECKOUT / "docs/how-to/gate-your-own.md").read_text()
    used = [step["uses"] for step in STEPS if "uses" in step]
    used += re.findall(r"uses: (\S+)", page)

    assert len(used) >= 3
    for name in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name), name


def test_no_input_is_put_into_a_script() -> None:
    for step in STEPS:
        assert "${{" not in step.get("run", "")


def test_every_input_of_the_page_is_one_of_the_action() -> None:
    page = (CHECKOUT / "docs/how-to/gate-your-own.md").read_text()
    rows = re.findall(r"^\| (`[^|]+`) \|", page, re.MULTILINE)

    assert set(re.findall(r"`([\w-]+)`", " ".join(rows))) == set(ACTION["inputs"])


def test_without_inputs_the_defaults_of_the_gate_hold(tmp_path: Path) -> None:
    code, words, _ = run(tmp_path)

    assert code == 0
    assert words == ["gate", "--out", f"{tmp_path}/performance-gate-1"]


def test_inputs_become_options_and_no_shell_reads_them(tmp_path: Path) -> None:
    arguments = "--request 'GET /search?q=a b' --margin 0.1 $(touch here)"
    _, words, _ = run(tmp_path, BASE="main", HEAD=".", ARGUMENTS=arguments)

    assert words[3:] == [
        *("--base", "main", "--head", ".", "--request", "GET /search?q=a b"),
        *("--margin", "0.1", "$(touch", "here)"),
    ]
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("code", [1, 2, 4, 5])
def test_a_gate_that_does_not_pass_fails_the_job(tmp_path: Path, code: int) -> None:
    assert run(tmp_path, code=code)[0] == code


def test_a_gate_that_cannot_tell_warns(tmp_path: Path) -> None:
    code, _, output = run(tmp_path, code=3)

    assert code == 0
    assert output.startswith("::warning title=Performance gate::")


def test_a_gate_that_cannot_tell_fails_the_job_where_that_is_asked_for(tmp_path: Path) -> None:
    assert run(tmp_path, code=3, FAIL_IF_UNSURE="true")[0] == 3


@pytest.mark.parametrize("arguments", ["--request 'GET /", '--margin "0.1', "--margin 0.1 '"])
def test_arguments_that_are_no_words_fail_the_job_and_measure_nothing(
    tmp_path: Path, arguments: str
) -> None:
    done, outputs = step(tmp_path, ARGUMENTS=arguments)

    assert done.returncode == 2
    assert outputs["exit-code"] == "2"
    assert done.stdout.startswith("::error title=Performance gate::The input 'arguments' ")
    assert not (tmp_path / "words").exists()


def test_each_use_has_a_folder_and_an_artifact_of_its_own(tmp_path: Path) -> None:
    uses = [step(tmp_path)[1], step(tmp_path)[1], step(tmp_path, JOB_INDEX="3")[1]]
    named = step(tmp_path, ARTIFACT_NAME="shop")[1]

    assert [outputs["artifact"] for outputs in uses] == [
        "performance-gate-gate-0",
        "performance-gate-gate-0-2",
        "performance-gate-gate-3-3",
    ]
    assert named["artifact"] == "shop"
    folders = {outputs["folder"] for outputs in (*uses, named)}
    assert len(folders) == 4
    assert all(Path(folder).is_dir() for folder in folders)


def test_the_evidence_is_kept_under_the_name_of_the_use() -> None:
    (keep,) = (step for step in STEPS if "upload-artifact" in step.get("uses", ""))

    assert keep["if"].startswith("always()")
    assert keep["with"]["name"] == "${{ steps.gate.outputs.artifact }}"
    assert keep["with"]["path"] == "${{ steps.gate.outputs.folder }}/gate-*"
    assert GATE["env"]["JOB"] == "${{ github.job }}"
    assert GATE["env"]["JOB_INDEX"] == "${{ strategy.job-index }}"


def test_what_installs_twofold_runs_no_module_of_the_change(tmp_path: Path) -> None:
    (tmp_path / "venv.py").write_text("raise SystemExit('imported')\n")
    make = INSTALL["run"].splitlines()[0]

    done = subprocess.run(
        ("bash", "-c", f"{make} --without-pip"),
        env={"PATH": os.environ["PATH"], "RUNNER_TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "twofold/bin/python").exists()


def test_a_folder_of_results_is_the_same_for_the_step_that_keeps_the_evidence(
    tmp_path: Path,
) -> None:
    """The gate works in the project's folder; what uploads works at the top of the checkout."""
    _, outputs = step(tmp_path, OUT="kept/perf", ARGUMENTS="--margin 0.1")

    assert outputs["folder"] == f"{tmp_path}/kept/perf"
    assert (tmp_path / "words").read_text().splitlines()[1:3] == ["--out", f"{tmp_path}/kept/perf"]
    # A file of ours in it would make the working tree another one, and the image, too.
    assert list((tmp_path / "kept/perf").iterdir()) == []


def test_evidence_that_cannot_be_kept_changes_no_answer() -> None:
    (keep,) = (step for step in STEPS if "upload-artifact" in step.get("uses", ""))

    assert keep["continue-on-error"] is True
