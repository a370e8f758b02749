import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.environments.child_python import python_path
from loadtests.environments.external import generators
from loadtests.generator.team import handshake
from loadtests.model.errors import UsageError
from loadtests.tools import proc
from tests.loadtests.builders import make_plan
from tests.loadtests.clashing_folder import clashing

HERE = replace(make_plan(), generator_processes=2)
ELSEWHERE = replace(HERE, generator_workers=("10.0.0.5:8089", "10.0.0.6:8089"))


def test_the_generator_of_this_machine_needs_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(generators.SECRET, raising=False)

    words = (sys.executable, "-P", "-m", "loadtests.generator", "--processes", "2")
    assert generators.argv_of(HERE) == words


def test_others_are_asked_and_the_secret_is_not_among_the_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(generators.SECRET, "a secret of this test")

    words = generators.argv_of(ELSEWHERE)

    assert words[1:] == (
        *("-P", "-m", "loadtests.generator.team", "--processes", "2"),
        *("10.0.0.5:8089", "10.0.0.6:8089"),
    )


def test_without_the_secret_the_message_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(generators.SECRET, "short")

    with pytest.raises(UsageError, match=f"set the variable {generators.SECRET}"):
        generators.argv_of(ELSEWHERE)


def test_both_sides_mean_the_same_variable() -> None:
    assert (generators.SECRET, generators.LEAST_CHARS) == (
        handshake.VARIABLE,
        handshake.LEAST_CHARS,
    )


@pytest.mark.slow
@pytest.mark.parallel
def test_what_asks_others_imports_nothing_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(generators.SECRET, "a secret of this test")
    monkeypatch.chdir(clashing(tmp_path / "project"))
    nobody = replace(HERE, generator_workers=("127.0.0.4:1",))

    argv, log = generators.argv_of(nobody), tmp_path / "log"
    with proc.Child(argv, log=log, env=python_path()) as child:
        child.send(json.dumps({"op": "hello"}))
        answer = json.loads(child.receive(30))

    assert "No generator answers at 127.0.0.4:1" in answer["detail"]
