"""Real runs on the Docker engine, through the command line: one that ends, one that is stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loadtests.tools import proc
from tests.checkout import CHECKOUT

SMALL = ("--backend", "compose", "--workers", "gthread", "--replicas", "1,2", "--rounds", "2")
OWN_RUN = f"run-{os.getpid()}"
"""The id of runs without a command line; another process has others on the engine meanwhile."""

RUN_LIMIT_S = 240
"""With room for images that have to be built first; a run alone takes half a minute."""

# What is measured is not looked at: only that all of it is counted, and that nothing is left.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.parallel]


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(("docker", "version"), capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("no Docker engine answers")


def command(
    checkout: Path, results: Path, *words: str, program: str = "tests.short_run"
) -> dict[str, Any]:
    return {
        "args": (sys.executable, "-m", program, "run", *SMALL, *words, "--out", str(results)),
        "cwd": checkout,
        "env": {**os.environ, "PYTHONPATH": str(checkout)},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def left_of(run_id: str) -> dict[str, str]:
    """Give what the engine still has of a run, by kind."""
    wanted = f"label=io.twofold.run={run_id}"
    listings = {
        "containers": ("docker", "ps", "--all", "--quiet", "--filter", wanted),
        "networks": ("docker", "network", "ls", "--quiet", "--filter", wanted),
        "volumes": ("docker", "volume", "ls", "--quiet", "--filter", wanted),
    }
    return {
        kind: found
        for kind, argv in listings.items()
        if (found := subprocess.check_output(argv, text=True))
    }


def journal_of(folder: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run that was measured to its end."""

    code: int
    stdout: str
    stderr: str
    folder: Path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    results = tmp_path_factory.mktemp("results")
    done = subprocess.run(
        **command(CHECKOUT, results, "--quick", "--json"), timeout=RUN_LIMIT_S, check=False
    )
    (folder,) = results.iterdir()
    return Finished(code=done.returncode, stdout=done.stdout, stderr=done.stderr, folder=folder)


def test_a_run_ends_with_a_verdict_in_one_json_document(finished: Finished) -> None:
    document = json.loads(finished.stdout)

    assert finished.code in {0, 1, 3}, finished.stderr
    assert (document["backend"], document["rounds"]) == ("compose", 2)
    assert [cell["replicas"] for cell in document["cells"]] == [1, 2]
    assert all(cell["throughput_rps"]["estimate"] > 0 for cell in document["cells"])
    assert "Traceback" not in finished.stderr


def test_a_run_leaves_the_files_of_the_contract(finished: Finished) -> None:
    names = {path.name for path in finished.folder.iterdir()}

    assert {"run.json", "trials.jsonl", "samples", "report.html", "report.md", "junit.xml"} <= names
    assert {path.name for path in (finished.folder / "logs").iterdir()} >= {
        "gthread-1.log",
        "gthread-2.log",
        "proxy.log",
        "generator.log",
    }


def test_generator_proxy_and_replicas_counted_the_same_requests(finished: Finished) -> None:
    trials = journal_of(finished.folder)

    assert len(trials) >= 4
    for trial in trials:
        counts = trial["conservation"]
        assert trial["failed"] == 0
        assert counts["sent"] > 0
        assert {counts["answered"], counts["proxy"], counts["replicas"]} == {counts["sent"]}


def test_every_replica_is_the_same_container_from_first_to_last(finished: Finished) -> None:
    identities = [trial["identities"] for trial in journal_of(finished.folder)]

    assert {"gthread-1", "gthread-2", "proxy"} <= set(identities[0])
    assert all(each == identities[0] for each in identities)


def test_a_finished_run_leaves_nothing_on_the_engine(finished: Finished) -> None:
    assert left_of(finished.folder.name) == {}


def test_ctrl_c_takes_the_stack_down_and_keeps_the_finished_trials(tmp_path: Path) -> None:
    with subprocess.Popen(**command(CHECKOUT, tmp_path)) as process:
        try:
            proc.wait_until(
                lambda: any(path.stat().st_size for path in tmp_path.glob("*/trials.jsonl")),
                limit_s=RUN_LIMIT_S,
                failure="no trial was finished",
            )
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)
        except BaseException:
            process.kill()
            raise

    (folder,) = tmp_path.iterdir()
    assert process.returncode == 128 + signal.SIGINT
    assert stdout == ""
    assert stderr.splitlines()[-1].startswith("twofold: Stopped by signal 2")
    assert "Traceback" not in stderr
    assert len(journal_of(folder)) >= 1
    assert json.loads((folder / "run.json").read_text())["verdict"] == "inconclusive"
    assert left_of(folder.name) == {}


def test_ctrl_c_while_the_stack_comes_up_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(**command(CHECKOUT, tmp_path)) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Starting" in line:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    (folder,) = tmp_path.iterdir()
    assert process.returncode == 128 + signal.SIGINT
    assert left_of(folder.name) == {}


def test_an_image_that_does_not_build_is_exit_code_4_and_leaves_nothing(tmp_path: Path) -> None:
    checkout, results = tmp_path / "checkout", tmp_path / "results"
    for part in ("app", "compose", "loadtests", "scripts"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / part, checkout / part, ignore=ignore)
    shutil.copy(CHECKOUT / "pyproject.toml", checkout)
    dockerfile = checkout / "app/Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "\nRUN echo the wheel is missing && exit 7\n")

    given = command(checkout, results, "--json", program="loadtests")  # the copy has no tests
    done = subprocess.run(**given, timeout=RUN_LIMIT_S, check=False)

    (folder,) = results.iterdir()
    assert done.returncode == 4
    assert done.stdout == ""
    assert "twofold: The image of the app does not build" in done.stderr
    assert "the wheel is missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert left_of(folder.name) == {}
