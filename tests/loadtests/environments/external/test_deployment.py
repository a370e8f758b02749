import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.environments.external import deployment, record
from loadtests.environments.external.deployment import put_back
from loadtests.model.errors import EnvironmentFailure
from tests.loadtests.environments.external.file_deployment import FileDeployment


@pytest.fixture(autouse=True)
def _soon_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "STABLE_S", 0.2)


def test_the_number_is_put_back_as_it_was(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=3)
    said: list[str] = []

    with put_back(web.hooks, said.append) as running:
        seen = []
        for count in (1, 4):
            running.scale_to(count)
            seen.append(running.names)

    assert seen == [("web-1",), ("web-1", "web-2", "web-3", "web-4")]

    assert web.count == 3
    assert said == [
        "The deployment has 3 replicas, and gets them back at the end",
        "Scaling the deployment to 1",
        "Scaling the deployment to 4",
        "Scaling the deployment back to 3",
    ]


def test_a_deployment_without_a_name_is_not_scaled(tmp_path: Path) -> None:
    """The hook may be wrong, and the number 0 at the end would take the deployment away."""
    web = FileDeployment(tmp_path, replicas=0)

    with (
        pytest.raises(EnvironmentFailure, match=r"'replicas' prints no name.* start one first"),
        put_back(web.hooks, print, log=tmp_path / "watchdog.log"),
    ):
        raise AssertionError("it went on")

    assert not web.calls.exists()
    assert record.read(record.path_of(web.hooks)) is None


@pytest.mark.parametrize("error", [RuntimeError("a defect"), KeyboardInterrupt()])
def test_the_number_is_put_back_after_every_failure(tmp_path: Path, error: BaseException) -> None:
    web = FileDeployment(tmp_path, replicas=2)

    def fails() -> None:
        with put_back(web.hooks, print) as running:
            running.scale_to(4)
            raise error

    with pytest.raises(type(error)):
        fails()

    assert web.count == 2


def test_a_number_that_is_there_already_is_not_asked_for_again(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2)

    with put_back(web.hooks, print) as running:
        running.scale_to(2)
        running.scale_to(2)

    assert web.calls.read_text() == "2 2 "


def test_replicas_that_were_started_anew_are_waited_for_although_their_number_is_the_same(
    tmp_path: Path,
) -> None:
    web = FileDeployment(tmp_path, replicas=2)
    asked = tmp_path / "asked"
    ready = (
        f"from pathlib import Path; f = Path({str(asked)!r});"
        " n = len(f.read_text()) if f.exists() else 9; f.write_text('.' * (n + 1));"
        " raise SystemExit('a pod is on its way out' if n < 2 else 0)"
    )
    hooks = replace(web.hooks, ready=(sys.executable, "-I", "-S", "-c", ready))

    with put_back(hooks, print) as running:
        running.scale_to(2)
        asked.write_text("")  # the roll-out has begun, and its end is the third answer
        running.forget()
        running.scale_to(2)
        assert len(asked.read_text()) == 3

        assert running.names == ("web-1", "web-2")
        assert running.foreign is None


def test_what_a_reset_scales_is_not_somebody_elses(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2)

    with put_back(web.hooks, print) as running:
        running.scale_to(2)
        running.forget()
        web.file.write_text("4")
        running.scale_to(2)

        assert running.foreign is None
        assert web.count == 2


def test_what_somebody_else_scaled_before_a_reset_stops_the_run_and_is_left(
    tmp_path: Path,
) -> None:
    web = FileDeployment(tmp_path, replicas=1)

    with put_back(web.hooks, print) as running:
        running.scale_to(2)
        web.file.write_text("10")
        with pytest.raises(EnvironmentFailure, match=r"Somebody else scales .*from 2 to 10"):
            running.forget()

    assert web.count == 10


def test_a_deployment_that_never_gets_its_number_says_what_it_has(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2, after="f.write_text('3')")

    with (
        pytest.raises(EnvironmentFailure, match=r"did not have 4 ready.*now prints 3 \(web-1, "),
        put_back(web.hooks, print) as running,
    ):
        running.scale_to(4)


NOT_YET = "did not have 4 ready replicas .* now prints"


@pytest.mark.parametrize(
    ("at_four", "told"),
    [
        ("sys.exit('no quota')", r"hook 'scale' .*code 1: no quota\. Run it by hand"),
        ("sys.exit('You must be logged in')", "code 1: You must be logged in"),
        ("sys.exit(3)", "code 3: it printed nothing"),
        ("time.sleep(60)", r"hook 'scale' failed.*did not end in 0\.5 s"),
        ("sys.stderr.write('x' * 2_000_000 + '\\nfull'); sys.exit(1)", "code 1: full"),
        ("os.write(2, b'\\xff\\r\\n'); sys.exit(1)", "code 1: \ufffd"),
        ("f.write_text('3'); os.kill(os.getpid(), 9)", "code -9: it printed nothing"),
        ("f.write_text('0')", rf"{NOT_YET} 0 \(nothing\)"),
        ("f.write_text('3')", f"{NOT_YET} 3 "),
        ("f.write_text('5')", f"{NOT_YET} 5 "),
        ("f.write_text('2')", rf"{NOT_YET} 2 \(web-1, web-2\), after 0 changes"),
        ("f.write_text('one')", "hook 'replicas' .*code 1: ValueError"),
    ],
)
def test_whatever_the_hook_does_is_one_message_and_the_number_is_put_back(
    tmp_path: Path, at_four: str, told: str
) -> None:
    after = f"import os, time; exec({at_four!r} if n == '4' else '')"
    web = FileDeployment(tmp_path, replicas=2, after=after)
    hooks = replace(web.hooks, limit_s=0.5, ready_limit_s=0.5)

    with pytest.raises(EnvironmentFailure, match=told), put_back(hooks, print) as running:
        running.scale_to(4)

    assert web.count == 2


FLAPS = "print(*range(3 + calls % 2), sep=chr(10))"


@pytest.mark.parametrize(
    ("at_four", "told"),
    [
        (FLAPS, r"4 ready .* after ([2-9]|\d\d) changes"),
        ("print('web-1', 'web-1', sep=chr(10))", "printed 'web-1' twice"),
        ("sys.exit('no connection')", "hook 'replicas' .*code 1: no connection"),
        ("time.sleep(60)", r"hook 'replicas' failed.*did not end in 0\.5 s"),
    ],
)
def test_whatever_replicas_prints_is_one_message_and_the_number_is_put_back(
    tmp_path: Path, at_four: str, told: str
) -> None:
    web = FileDeployment(tmp_path, replicas=2)
    *python, usual = web.hooks.replicas
    code = (
        f"import sys, time; from pathlib import Path; c = Path({str(tmp_path / 'asked')!r});"
        " calls = len(c.read_text()) if c.exists() else 0; c.write_text('.' * (calls + 1));"
        f" exec({at_four!r} if Path({str(web.file)!r}).read_text() == '4' else {usual!r})"
    )
    hooks = replace(web.hooks, replicas=(*python, code), limit_s=0.5, ready_limit_s=1.0)

    with pytest.raises(EnvironmentFailure, match=told), put_back(hooks, print) as running:
        running.scale_to(4)

    assert web.count == 2


@pytest.mark.parametrize("slowly", ["time.sleep(0.5)", "sys.stderr.write('x' * 5_000_000)"])
def test_a_hook_that_is_slow_or_talks_a_lot_does_its_work(tmp_path: Path, slowly: str) -> None:
    web = FileDeployment(tmp_path, replicas=2, after=f"import time; {slowly}")

    with put_back(web.hooks, print) as running:
        running.scale_to(4)
        assert len(running.names) == 4

    assert web.count == 2


def test_somebody_else_who_scales_is_told_with_the_moment_and_left_alone(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    said: list[str] = []

    with put_back(web.hooks, said.append) as running:
        running.scale_to(2)
        assert running.change() is None
        web.file.write_text("3")
        change = running.change()
        assert running.change() == change == running.foreign
        with pytest.raises(EnvironmentFailure, match="Somebody else scales the deployment: from 2"):
            running.scale_to(2)

    assert change is not None
    assert change.startswith("from 2 to 3 replicas at ")
    assert web.count == 3
    assert web.calls.read_text() == "2 "
    assert "left as it is. It had 1: " in said[-1]


def test_fewer_replicas_than_ours_may_be_failures_so_the_number_is_put_back(
    tmp_path: Path,
) -> None:
    web = FileDeployment(tmp_path, replicas=3)

    with put_back(web.hooks, print) as running:
        running.scale_to(2)
        web.file.write_text("1")
        assert running.change() is not None
        assert running.foreign is None  # the next trial scales it anew
        running.scale_to(2)
        assert web.count == 2

    assert web.count == 3


def test_a_deployment_that_never_gets_ready_is_not_scaled(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2)
    never = (sys.executable, "-I", "-S", "-c", "raise SystemExit('two go')")
    hooks = replace(web.hooks, ready=never, ready_limit_s=0.3)

    with (
        pytest.raises(EnvironmentFailure, match=r"not ready before anything.*two go"),
        put_back(hooks, print),
    ):
        pass

    assert not web.calls.exists()


def test_a_deployment_that_gets_ready_soon_is_waited_for(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2)
    calls = tmp_path / "asked"
    ready = (
        f"from pathlib import Path; f = Path({str(calls)!r});"
        " n = len(f.read_text()) if f.exists() else 0; f.write_text('.' * (n + 1));"
        " raise SystemExit('a pod is on its way out' if n < 2 else 0)"
    )
    hooks = replace(web.hooks, ready=(sys.executable, "-I", "-S", "-c", ready))

    with put_back(hooks, print) as running:
        assert running.before == 2


def test_a_number_that_cannot_be_put_back_ends_with_the_command_for_it(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=2, after="sys.exit('no permission') if n == '2' else 0")

    with (
        pytest.raises(EnvironmentFailure, match=r"could not be scaled back to 2.*by hand: .* 2$"),
        put_back(web.hooks, print) as running,
    ):
        running.scale_to(1)
