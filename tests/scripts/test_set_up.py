from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scripts import set_up
from tests.scripts.conftest import Play

Calls = Callable[[], list[str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two files, as set-up sees it."""
    folder = tmp_path / "project"
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / "harness.txt").write_text("click==8.5.1\n")
    (folder / "pyproject.toml").write_text("")
    monkeypatch.setattr(set_up, "PROJECT", folder)
    monkeypatch.setattr(set_up, "LOCK", folder / "requirements" / "harness.txt")
    monkeypatch.setattr(set_up, "VENV", folder / ".venv")
    return folder


@pytest.fixture
def commands(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Each command that set-up ran; that which makes the environment makes its Python."""
    ran: list[tuple[str, ...]] = []

    def run(command: Sequence[str], *, way_out: str) -> None:
        ran.append(tuple(command))
        set_up.python().parent.mkdir(parents=True, exist_ok=True)
        set_up.python().touch()

    monkeypatch.setattr(set_up, "run", run)
    return ran


def test_the_environment_is_made_anew_by_hashed_wheels_and_the_project_by_what_is_locked(
    commands: list[tuple[str, ...]], project: Path
) -> None:
    set_up.set_up_environment()
    venv, installed, itself = commands
    assert venv[1:] == ("-m", "venv", "--clear", str(project / ".venv"))
    assert {"--require-hashes", "--only-binary"} <= set(installed)
    assert {"--no-deps", "--no-build-isolation", "--editable"} <= set(itself)


def test_nothing_is_done_a_second_time(commands: list[tuple[str, ...]]) -> None:
    set_up.set_up_environment()
    done = len(commands)
    set_up.set_up_environment()
    assert len(commands) == done


@pytest.mark.parametrize("name", ["requirements/harness.txt", "pyproject.toml"])
def test_it_is_done_again_when_what_it_rests_on_changes(
    commands: list[tuple[str, ...]], project: Path, name: str
) -> None:
    set_up.set_up_environment()
    done = len(commands)
    (project / name).write_text("changed")
    set_up.set_up_environment()
    assert len(commands) == 2 * done


def test_it_is_done_again_when_the_environments_python_is_gone(
    commands: list[tuple[str, ...]],
) -> None:
    set_up.set_up_environment()
    done = len(commands)
    set_up.python().unlink()
    set_up.set_up_environment()
    assert len(commands) == 2 * done


def test_what_failed_halfway_is_begun_again(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: str, way_out: str) -> None:
        raise set_up.SetUpError("no index answers")

    with monkeypatch.context() as patch:
        patch.setattr(set_up, "install", fail)
        with pytest.raises(set_up.SetUpError):
            set_up.set_up_environment()
    commands.clear()
    set_up.set_up_environment()
    assert commands[0][1:3] == ("-m", "venv")


def test_a_command_that_fails_is_shown_with_its_last_words_and_the_way_out() -> None:
    with pytest.raises(set_up.SetUpError) as failure:
        set_up.run(("sh", "-c", "echo no ensurepip; exit 7"), way_out="apt-get install it")
    assert str(failure.value) == (
        "`sh -c echo no ensurepip; exit 7` ended with code 7:\nno ensurepip\napt-get install it"
    )


def test_an_old_python_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.version_info", (3, 9, 2))
    assert set_up.main([]) == 4
    assert "This is Python 3.9 (" in (output := capsys.readouterr().err)
    assert "make PYTHON=python3.12" in output


def test_the_oldest_python_that_is_supported_is_taken() -> None:
    set_up.check_python((3, 11))


# -- Compose -----------------------------------------------------------------------------------


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], bool]:
    """Whether the plugin was asked for: a script that leaves a mark stands for the real one."""
    (tmp_path / "compose_plugin.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('fetched').touch()\n"
    )
    monkeypatch.setattr(set_up, "__file__", str(tmp_path / "set_up.py"))
    return (tmp_path / "fetched").exists


def test_the_plugin_is_got_where_docker_answers_and_compose_does_not(
    play: Play, fetched: Callable[[], bool]
) -> None:
    play("docker", 'test "$1" = version')
    set_up.set_up_compose()
    assert fetched()


@pytest.mark.parametrize("name", ["plugin", "program"])
def test_a_compose_that_is_there_is_left_as_it_is(
    play: Play, fetched: Callable[[], bool], name: str
) -> None:
    play("docker", "" if name == "plugin" else 'test "$1" = version')
    if name == "program":
        play("docker-compose", "")
    set_up.set_up_compose()
    assert not fetched()


def test_without_an_engine_there_is_nothing_to_get(play: Play, fetched: Callable[[], bool]) -> None:
    set_up.set_up_compose()
    play("docker", "exit 1")
    set_up.set_up_compose()
    assert not fetched()


def without_system_nginx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(set_up, "SYSTEM_FOLDERS", "")
    monkeypatch.setenv("PATH", str(tmp_path))


def test_nginx_comes_into_the_environment_where_the_system_has_none(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_system_nginx(monkeypatch, tmp_path)
    set_up.set_up_nginx()
    (command,) = commands
    assert command[-2:] == ("-r", str(set_up.NGINX_LOCK))
    assert "--require-hashes" in command


def test_the_systems_nginx_is_enough(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_system_nginx(monkeypatch, tmp_path)
    (tmp_path / "nginx").touch(mode=0o755)
    set_up.set_up_nginx()
    assert commands == []


def test_without_any_nginx_set_up_goes_on_and_says_so(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(command: Sequence[str], *, way_out: str) -> None:
        raise set_up.SetUpError("no index answers")

    without_system_nginx(monkeypatch, tmp_path)
    monkeypatch.setattr(set_up, "run", fail)
    set_up.set_up_nginx()
    assert "no index answers\nNot installed" in capsys.readouterr().err


def test_pyarrow_comes_by_hashed_wheels_once(
    commands: list[tuple[str, ...]], project: Path
) -> None:
    set_up.set_up_parquet()
    (command,) = commands
    assert command[-2:] == ("-r", str(set_up.PARQUET_LOCK))
    assert "--require-hashes" in command
    (project / ".venv/lib/python3.11/site-packages/pyarrow").mkdir(parents=True)
    set_up.set_up_parquet()
    assert len(commands) == 1


def test_the_other_servers_come_by_hashed_wheels_once(
    commands: list[tuple[str, ...]], project: Path
) -> None:
    set_up.set_up_servers()
    (command,) = commands
    assert command[-2:] == ("-r", str(set_up.SERVERS_LOCK))
    assert "--require-hashes" in command
    for package in ("waitress", "granian", "cheroot"):
        (project / ".venv/lib/python3.11/site-packages" / package).mkdir(parents=True)
    set_up.set_up_servers()
    assert len(commands) == 1


def test_sphinx_comes_by_hashed_wheels_once(commands: list[tuple[str, ...]], project: Path) -> None:
    set_up.set_up_docs()
    (command,) = commands
    assert command[-2:] == ("-r", str(set_up.DOCS_LOCK))
    assert "--require-hashes" in command
    for package in ("sphinx", "myst_parser", "furo"):
        (project / ".venv/lib/python3.11/site-packages" / package).mkdir(parents=True)
    set_up.set_up_docs()
    assert len(commands) == 1


def test_the_further_linters_come_by_hashed_wheels_once_and_nobody_waits_for_an_index(
    commands: list[tuple[str, ...]], project: Path
) -> None:
    set_up.set_up_lint()
    (command,) = commands
    assert command[-2:] == ("-r", str(set_up.LINT_LOCK))
    assert {"--require-hashes", "--retries", "0"} <= set(command)
    for program in set_up.LINTERS:
        (project / ".venv/bin" / program).touch()
    set_up.set_up_lint()
    assert len(commands) == 1


def test_a_docker_that_hangs_counts_as_none_with_a_message(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play("docker", "exec sleep 30")
    monkeypatch.setattr(set_up, "ANSWER_LIMIT_S", 0.3)

    set_up.set_up_compose()

    said = capsys.readouterr().err
    assert "`docker version` does not answer in 0.3 s" in said
    assert "Restart the Docker engine; until then there is only --backend processes." in said


def test_nothing_is_installed_where_compose_may_be_there_and_hangs(
    play: Play, fetched: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    play("docker", 'test "$1" = version || exec sleep 30')
    monkeypatch.setattr(set_up, "ANSWER_LIMIT_S", 0.3)

    set_up.set_up_compose()

    assert not fetched()


def test_an_installation_that_hangs_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_up, "INSTALL_LIMIT_S", 0.2)

    with pytest.raises(set_up.SetUpError, match=r"`sleep 30` did not end in 0\.2 s\. Try again"):
        set_up.run(("sleep", "30"), way_out="Try again")
