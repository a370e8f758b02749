"""The files through which people and programs come in: Makefile, CI, locks, the build's context."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib

import pytest

from tests.checkout import CHECKOUT

PROJECT = CHECKOUT
LOCKS = {path.stem: path.read_text() for path in (PROJECT / "requirements").glob("*.txt")} | {
    "app": (PROJECT / "app" / "requirements.txt").read_text(),
    "generator": (PROJECT / "loadtests/generator/requirements.txt").read_text(),
}
GROUPS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["dependency-groups"]


def made(target: str, *words: str) -> str:
    """What make would run for a target."""
    return output_of_make("-n", target, *words)


def output_of_make(*words: str) -> str:
    """What make prints, also where these tests were themselves started by make."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.check_output(("make", *words), cwd=PROJECT, text=True, env=environment)


def locked(lock: str) -> dict[str, set[str]]:
    """The versions of each package in a lock; there are several where they depend on Python's."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[.*\])?==([^ ;]+)", LOCKS[lock], re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("loadtest", "twofold run"),
        ("compare", "twofold compare"),
        ("gate", "twofold gate"),
        (
            "test",
            "python -m scripts.side_by_side -n auto --dist worksteal"
            ' -m "parallel or not (docker or slow)"',
        ),
        ("test", 'pytest -m "(docker or slow) and not (parallel or campaign)"'),
        ("test-fast", 'pytest -n auto -m "not docker and not slow"'),
        ("lint", "ruff format --check"),
        ("lint", "ruff check"),
        ("lint", "mypy"),
        ("docs", "python scripts/reference_pages.py"),
        ("docs", "sphinx-build --quiet --nitpicky --fail-on-warning"),
    ],
)
def test_a_target_sets_up_first_and_then_calls_its_program(target: str, command: str) -> None:
    lines = made(target).splitlines()
    assert "scripts/set_up.py" in lines[0]
    assert any(line.startswith(f".venv/bin/{command}") for line in lines[1:])


def test_options_reach_the_program() -> None:
    assert ".venv/bin/twofold run --quick --seed 7" in made("loadtest", "ARGS=--quick --seed 7")


@pytest.mark.parametrize("code", [1, 3])
def test_compare_goes_on_after_a_run_that_says_no_or_cannot_tell(code: int) -> None:
    condition = made("compare").splitlines()[1].partition("||")[2].replace("$$", "$")
    assert (
        subprocess.run(["sh", "-c", f"(exit {code}) || {condition}"], check=False).returncode == 0
    )
    assert subprocess.run(["sh", "-c", f"(exit 4) || {condition}"], check=False).returncode != 0


def test_help_names_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    said = output_of_make("help")
    for target in set(phony[1].split()) - {"set-up", "set-up-compose"}:
        assert f"make {target} " in said


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_its_hashes(lock: str) -> None:
    entries = re.split(r"^(?=[\w.-]+(?:\[.*\])?==)", LOCKS[lock], flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize(
    ("group", "lock"),
    [(group, group if group in {"docs", "lint"} else "harness") for group in GROUPS],
)
def test_what_pyproject_asks_for_is_locked(group: str, lock: str) -> None:
    wanted = {re.split(r"[\[<>=~ ]", requirement)[0] for requirement in GROUPS[group]}
    assert wanted <= set(locked(lock))


@pytest.mark.parametrize("image", ["generator", "app"])
def test_what_runs_in_an_image_is_the_same_on_this_machine(image: str) -> None:
    inside, here = locked(image), locked("harness")
    assert {name: here.get(name) for name in inside} == inside


def test_no_lock_names_a_server() -> None:
    assert not [name for name, text in LOCKS.items() if "://" in text or "--index" in text]


def test_ci_calls_what_a_person_calls() -> None:
    script = (PROJECT / ".ci" / "run").read_text()
    assert re.search(r"^make lint$", script, re.MULTILINE)
    assert re.search(r"^make test\b", script, re.MULTILINE)
    assert ".ci/run" in (PROJECT / ".github" / "workflows" / "ci.yml").read_text()
