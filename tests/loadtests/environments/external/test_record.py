"""What a run leaves for others to put back: its note, and its watchdog."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.environments.external import deployment, record, watchdog
from loadtests.environments.external.deployment import put_back
from loadtests.environments.external.hooks import scale_argv
from loadtests.environments.removal import KeptBySystem
from loadtests.model.tested.external import Hooks
from tests.loadtests.environments.external.file_deployment import FileDeployment


@pytest.fixture(autouse=True)
def _soon_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "STABLE_S", 0.2)


# -- a harness that is killed ------------------------------------------------------------------


def test_a_watchdog_puts_the_number_back_where_the_harness_could_not(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=3)
    argv = scale_argv(web.hooks, 3)
    web.file.write_text("1")

    with watchdog.guard(argv, limit_s=10.0, log=tmp_path / "logs/watchdog.log") as guard:
        pass  # nobody notes that it was done

    ended = guard._child._process.wait(20.0)
    assert (web.count, ended) == (3, 0)


def test_what_a_watchdog_runs_does_not_see_our_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    seen = tmp_path / "seen"
    code = f"import os; open({str(seen)!r}, 'w').write(os.environ.get('PYTHONPATH', 'none'))"

    with watchdog.guard(
        (sys.executable, "-I", "-S", "-c", code), limit_s=10.0, log=tmp_path / "watchdog.log"
    ) as guard:
        pass  # nobody notes that it was done

    assert guard._child._process.wait(20.0) == 0
    assert seen.read_text() == "none"


def test_a_watchdog_does_nothing_where_the_number_was_put_back(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=3)

    with put_back(web.hooks, lambda _: None, log=tmp_path / "logs/watchdog.log") as running:
        running.scale_to(1)

    assert web.calls.read_text() == "1 3 "
    assert (tmp_path / "logs/watchdog.log").read_text() == ""


def test_the_number_before_is_noted_before_anything_is_scaled_and_then_forgotten(
    tmp_path: Path,
) -> None:
    web = FileDeployment(tmp_path, replicas=3)
    path = record.path_of(web.hooks)
    log = tmp_path / "logs/watchdog.log"

    with put_back(web.hooks, lambda _: None, log=log) as running:
        first = record.read(path)
        scaled_before = web.calls.exists()
        running.scale_to(1)
        second = record.read(path)

    assert first is not None
    assert second is not None
    assert (first.before, first.ours, scaled_before) == (3, (3,), False)
    assert (second.before, second.ours, second.living) == (3, (3, 1), True)
    assert record.read(path) is None


def a_dead_run(web: FileDeployment, log: Path, *, before: int, ours: tuple[int, ...]) -> Path:
    """Leave the note of a run whose process is no more."""
    path = record.write(web.hooks, before, ours, log)
    note = json.loads(path.read_text())
    path.write_text(json.dumps(note | {"owner": "1/0/another boot/"}))
    return path


def test_the_number_is_put_back_also_where_nobody_can_tell_the_present_one(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    blind = replace(web.hooks, replicas=("false",))
    path = record.write(blind, 3, (3, 1), tmp_path / "log")
    noted = record.read(path)
    assert noted is not None

    record.restore(noted)

    assert web.count == 3
    assert record.read(path) is None


def test_the_next_run_puts_back_what_a_dead_one_found(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    a_dead_run(web, tmp_path / "log", before=3, ours=(4, 1))
    said: list[str] = []

    with put_back(web.hooks, said.append, log=tmp_path / "logs/watchdog.log") as running:
        running.scale_to(2)

    assert web.count == 3
    assert said[0].startswith("An earlier run left the deployment at 1 replicas")
    assert record.remains() == ()


def test_a_number_that_somebody_set_since_is_no_remains_of_a_run(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2)
    a_dead_run(web, tmp_path / "log", before=3, ours=(4, 1))

    with put_back(web.hooks, print) as running:
        assert running.before == 2


def test_down_puts_back_what_a_dead_run_left(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    path = a_dead_run(web, tmp_path / "log", before=3, ours=(4, 1))

    (left,) = record.remains()
    left.remove()

    assert not left.living
    assert "which had 3 replicas" in left.name
    assert web.count == 3
    assert not path.exists()


def test_down_leaves_alone_what_no_run_set(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=7)
    a_dead_run(web, tmp_path / "log", before=3, ours=(4, 1))
    (left,) = record.remains()

    with pytest.raises(KeptBySystem, match="has 7 replicas, which no run gave it"):
        left.remove()

    assert web.count == 7
    assert record.remains() == ()


def test_a_note_that_is_none_is_no_remains(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=7)
    path = a_dead_run(web, tmp_path / "log", before=3, ours=(1,))
    path.write_text('{"owner": 1}')

    assert record.remains() == ()


def test_a_watchdog_does_what_the_note_says_of_the_last_order(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    noted = record.write(web.hooks, 3, (4, 1), tmp_path / "log")
    outdated = scale_argv(web.hooks, 9)

    log = tmp_path / "logs/watchdog.log"
    with watchdog.guard(outdated, limit_s=10.0, log=log, record=noted) as guard:
        pass  # nobody notes that it was done

    guard._child._process.wait(20.0)
    assert web.count == 3
    assert not noted.exists()


def watched(argv: tuple[str, ...], folder: Path, noted: Path) -> tuple[int, str]:
    """Let a watchdog do its work; return its exit code and what it wrote."""
    log = folder / "logs/watchdog.log"
    with watchdog.guard(argv, limit_s=10.0, log=log, record=noted) as guard:
        pass  # nobody notes that it was done
    return guard._child._process.wait(20.0), log.read_text()


def test_a_watchdog_leaves_alone_what_somebody_else_set(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=7)
    noted = record.write(web.hooks, 3, (4, 1), tmp_path / "log")

    code, log = watched(scale_argv(web.hooks, 3), tmp_path, noted)

    assert code == 0
    assert "has 7 replicas, which no run gave it, so it is left as it is. It had 3: " in log
    assert web.count == 7
    assert not web.calls.exists()
    assert not noted.exists()


def test_a_watchdog_gives_its_order_though_the_right_number_still_serves(tmp_path: Path) -> None:
    """The run asked for one replica a moment ago, and three are still there."""
    web = FileDeployment(tmp_path, replicas=3)
    noted = record.write(web.hooks, 3, (3, 1), tmp_path / "log")

    code, log = watched(scale_argv(web.hooks, 3), tmp_path, noted)

    assert (code, web.calls.read_text()) == (0, "3 ")
    assert log.startswith("Scaled back: ")


def test_a_watchdog_leaves_the_number_to_the_next_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    dead = record.read(a_dead_run(web, tmp_path / "log", before=3, ours=(4, 1)))
    assert dead is not None

    record.write(web.hooks, 3, (1,), tmp_path / "next")
    assert watchdog._is_restored(dead)
    record.forget(dead.path)
    assert watchdog._is_restored(dead)

    assert not web.calls.exists()
    assert capsys.readouterr().err.count("by another program") == 2


# -- two projects with the same words ----------------------------------------------------------


def a_project(folder: Path, *, replicas: int) -> Hooks:
    """Write scripts that scale a deployment of their own; the words are those of every project."""
    folder.mkdir()
    (folder / "count").write_text(f"{replicas}\n")
    scripts = {
        "scale.sh": 'echo "$1" > count',
        "replicas.sh": "for i in $(seq $(cat count)); do echo web-$i; done",
    }
    for name, text in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return Hooks(
        scale=("./scale.sh", "{replicas}"),
        replicas=("./replicas.sh",),
        ready_limit_s=2.0,
        folder=str(folder),
    )


def test_projects_with_the_same_words_have_notes_and_numbers_of_their_own(tmp_path: Path) -> None:
    shop = a_project(tmp_path / "my shop", replicas=1)
    blog = a_project(tmp_path / "blog", replicas=1)
    dead = record.write(shop, 3, (4, 1), tmp_path / "log")
    dead.write_text(json.dumps(json.loads(dead.read_text()) | {"owner": "1/0/another boot/"}))

    with put_back(blog, print, log=tmp_path / "logs/watchdog.log") as running:
        assert running.before == 1
        running.scale_to(2)
    (left,) = record.remains()
    left.remove()

    assert left.name.startswith(f"what `cd '{tmp_path}/my shop' && ./scale.sh")
    assert [(tmp_path / name / "count").read_text() for name in ("my shop", "blog")] == [
        "3\n",
        "1\n",
    ]


def test_a_watchdog_runs_the_command_in_its_folder(tmp_path: Path) -> None:
    shop = a_project(tmp_path / "shop", replicas=1)

    log = tmp_path / "logs/watchdog.log"
    with watchdog.guard(
        scale_argv(shop, 3), limit_s=10.0, log=log, folder=tmp_path / "shop"
    ) as guard:
        pass  # nobody notes that it was done

    guard._child._process.wait(20.0)
    assert (tmp_path / "shop/count").read_text() == "3\n"


def test_commands_that_name_their_cluster_have_one_note_wherever_they_are(tmp_path: Path) -> None:
    words = ("kubectl", "--context", "test", "scale", "deployment/web", "--replicas={replicas}")
    here, there = str(tmp_path), str(tmp_path / "there")

    assert record.path_of(Hooks(scale=words, folder=here)) == record.path_of(
        Hooks(scale=words, folder=there)
    )
    elsewhere = (*words, "--kubeconfig=mine")
    assert record.path_of(Hooks(scale=elsewhere, folder=here)) != record.path_of(
        Hooks(scale=elsewhere, folder=there)
    )
