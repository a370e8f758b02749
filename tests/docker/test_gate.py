"""Real gates on the Docker engine, through the command line, and what each failure leaves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli.boundary import run_command_line
from loadtests.environments.compose import images
from loadtests.tools import proc
from scripts.zoo import image
from tests.checkout import CHECKOUT
from tests.docker.test_run import engine, left_of

__all__ = ["engine"]

SMALL = ("--no-scaling", "--max-minutes", "1.4", "--seed", "3")
"""Minutes for the first look, at sixteen starts; the second one needs more."""

GATE_LIMIT_S = 280
"""With room for images that have to be built first; a gate alone takes a minute and a half."""

GATE = ("loadtests", "gate")
FEW_STARTS = ("tests.docker.gate_of_few_starts",)
"""The same command line; fewer starts come up, and laggards are waited for a shorter time."""

pytestmark = [pytest.mark.docker, pytest.mark.slow]

DEAD, OTHER_PORT = "twofold/test-dead:latest", "twofold/test-port:latest"


@pytest.fixture(scope="module", autouse=True)
def no_image_stays() -> Iterator[None]:
    yield
    subprocess.run(("docker", "rmi", DEAD, OTHER_PORT), capture_output=True, check=False)


@dataclass(frozen=True, kw_only=True)
class Done:
    """A gate that ended."""

    code: int
    stdout: str
    stderr: str
    folder: Path | None


def command(results: Path, *words: str, program: tuple[str, ...] = GATE) -> dict[str, Any]:
    return {
        "args": (sys.executable, "-m", *program, *words, "--out", str(results)),
        "cwd": CHECKOUT,
        "env": {**os.environ, "PYTHONPATH": str(CHECKOUT), "GITHUB_STEP_SUMMARY": ""},
        "text": True,
    }


def gate(results: Path, *words: str, program: tuple[str, ...] = GATE) -> Done:
    done = subprocess.run(
        **command(results, *words, program=program),
        capture_output=True,
        timeout=GATE_LIMIT_S,
        check=False,
    )
    folders = list(results.iterdir()) if results.is_dir() else []
    return Done(
        code=done.returncode,
        stdout=done.stdout,
        stderr=done.stderr,
        folder=folders[0] if folders else None,
    )


@pytest.fixture(scope="module")
def app() -> str:
    """The image of the sample application, and the zoo's on it."""
    image.build(CHECKOUT, say=lambda _: None)
    return images.APP


@pytest.fixture(scope="module")
def finished(app: str, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A gate of the zoo's application under two names; both are built on the sample's image."""
    zoo = CHECKOUT / "scripts/zoo"
    words = ("--base", str(zoo), "--head", str(zoo / "app"), *SMALL, "--json")
    memory = (f"--{side}-env=STATE=memory" for side in ("base", "head"))
    return gate(tmp_path_factory.mktemp("gates"), *words, *memory)


def test_two_names_of_one_version_are_compared_side_by_side(finished: Done) -> None:
    found = json.loads(finished.stdout)

    # On a machine that does other things too, it may not be told; but it is never called worse.
    assert finished.code in {0, 3}, finished.stderr
    assert found["base"]["digest"] == found["head"]["digest"]
    assert found["facts"]["differences"] == ["The images are identical (A/A)."]
    assert len(found["evidence"]["pairs"]) >= 16
    for pair in found["evidence"]["pairs"]:
        assert pair["base_start"] != pair["head_start"]
        for window in pair["windows"]:
            assert window["base"]["failed"] == window["head"]["failed"] == 0
            assert window["base"]["completed"] > 0
            assert window["head"]["cpu_us_per_request"] > 0


def test_wrong_answers_of_both_are_seen_through_the_proxy_and_are_no_regression(
    finished: Done,
) -> None:
    found = json.loads(finished.stdout)

    states = {
        (each["result"]["check"], each["side"]): each["result"]["state"]
        for each in found["evidence"]["probes"]
    }
    (guard,) = (each for each in found["endpoints"] if each["endpoint"] == "answers")
    declared = {(c, s): "breaks" for c in ("note", "session", "counter") for s in ("base", "head")}
    assert states == declared | {("GET /cpu", side): "ok" for side in ("base", "head")}
    assert guard["verdict"] == "pass"
    assert "Both versions give wrong answers" in guard["reason"]


def test_every_start_is_measured_once(finished: Done) -> None:
    pairs = json.loads(finished.stdout)["evidence"]["pairs"]

    assert len({pair["base_start"] for pair in pairs}) == len(pairs)
    assert len({pair["head_start"] for pair in pairs}) == len(pairs)


def test_a_gate_leaves_its_files_and_nothing_on_the_engine(finished: Done) -> None:
    assert finished.folder is not None
    names = {path.name for path in finished.folder.iterdir()}

    assert {"verdict.json", "report.html", "report.md", "junit.xml", "logs"} <= names
    assert (finished.folder / "verdict.json").read_text() == finished.stdout
    assert left_of(finished.folder.name) == {}


def test_judged_again_it_says_the_same_to_the_byte(finished: Done, tmp_path: Path) -> None:
    assert finished.folder is not None
    again = gate(tmp_path, "--judge", str(finished.folder / "verdict.json"), "--json")

    assert again.stdout == finished.stdout
    assert again.code == finished.code


def other_image(name: str, folder: Path, *lines: str) -> str:
    """Build an image from the application's with some lines more."""
    folder.mkdir()
    (folder / "Dockerfile").write_text("\n".join(("FROM twofold/app:latest", *lines, "")))
    subprocess.run(("docker", "build", "--quiet", "--tag", name, folder), check=True)
    return name


@pytest.mark.parallel
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--base", "no-such-ref"), 2, "is neither a folder, nor a commit"),
        (("--head", "no-such-image:1"), 2, "nor an image that Docker has or can pull"),
        (("--workload", "gpu"), 2, "--workload 'gpu' is unknown"),
        (("--append", "gate-of-nobody"), 2, "There is no gate"),
        (("--judge", "nowhere.json"), 2, "cannot be read"),
    ],
)
def test_a_wrong_name_is_one_message_and_exit_code_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(CHECKOUT)

    assert run_command_line(["gate", *words, "--out", str(tmp_path)]) == code
    stderr = capsys.readouterr().err
    assert said in stderr
    assert "Traceback" not in stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parallel
def test_a_version_that_does_not_build_is_exit_code_4(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(CHECKOUT / "app", broken, ignore=shutil.ignore_patterns("__pycache__"))
    with (broken / "Dockerfile").open("a") as file:
        file.write("\nRUN echo the wheel is missing && exit 7\n")

    done = gate(tmp_path / "results", "--base", str(CHECKOUT), "--head", str(broken), *SMALL)

    assert done.code == 4
    assert "The image of head" in done.stderr
    assert "the wheel is missing" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parallel
def test_a_version_that_ends_at_once_is_exit_code_4_with_its_log(tmp_path: Path, app: str) -> None:
    dead = other_image(DEAD, tmp_path / "dead", 'CMD ["sh", "-c", "no-such-thing"]')

    words = ("--base", app, "--head", dead, *SMALL)
    done = gate(tmp_path / "results", *words, program=FEW_STARTS)

    assert done.code == 4
    assert "A start of head" in done.stderr
    assert "no-such-thing" in done.stderr
    assert done.folder is not None
    assert left_of(done.folder.name) == {}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder), check=False)
    if made.returncode != 0:
        pytest.skip("only root can make a file system")
    yield folder
    subprocess.run(("umount", folder), check=True)


def pairs_of(verdict: Path) -> list[object]:
    pairs: list[object] = json.loads(verdict.read_text())["evidence"]["pairs"]
    return pairs


@pytest.mark.parallel
def test_a_disk_that_fills_up_meanwhile_is_exit_code_4_and_what_was_measured_is_kept(
    small_disk: Path, app: str
) -> None:
    words = ("--base", app, "--head", app, *SMALL)
    given = command(small_disk, *words, program=FEW_STARTS)
    with subprocess.Popen(**given, stderr=subprocess.PIPE) as running:
        proc.wait_until(
            lambda: any(map(pairs_of, small_disk.glob("gate-*/verdict.json"))),
            limit_s=GATE_LIMIT_S / 2,
            failure="no pair was measured",
        )
        with suppress(OSError), (small_disk / "others").open("wb") as others:
            while others.write(bytes(512)):
                others.flush()
        _, said = running.communicate(timeout=GATE_LIMIT_S)
    (verdict,) = small_disk.glob("gate-*/verdict.json")

    assert running.returncode == 4, said
    assert "cannot be written (No space left on device). Free some space" in said
    assert "Traceback" not in said
    assert pairs_of(verdict)
    assert left_of(verdict.parent.name) == {}


@pytest.mark.parallel
def test_a_version_that_listens_elsewhere_is_exit_code_4(tmp_path: Path, app: str) -> None:
    other = other_image(OTHER_PORT, tmp_path / "port", "ENV BIND=0.0.0.0:9000")

    words = ("--base", app, "--head", other, *SMALL)
    done = gate(tmp_path / "results", *words, program=FEW_STARTS)

    assert done.code == 4
    assert "did not answer at" in done.stderr
    assert done.folder is not None
    assert left_of(done.folder.name) == {}
