from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import compose_plugin
from tests.scripts.conftest import Play

PLUGIN = "#!/bin/sh\\necho 2.26.1"


@pytest.fixture(autouse=True)
def base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_BASE_IMAGE", "our-base")


def test_the_plugin_is_placed_whole_and_can_be_run(play: Play, tmp_path: Path) -> None:
    play("docker", f"printf '{PLUGIN}'")
    folder = tmp_path / "not-there-yet" / "cli-plugins"
    assert compose_plugin.main(["--into", str(folder)]) == 0
    assert [path.name for path in folder.iterdir()] == ["docker-compose"]
    assert (folder / "docker-compose").stat().st_mode & 0o111


def test_the_base_that_is_named_is_the_one_it_is_fetched_in(
    play: Play, calls: Callable[[], list[str]], tmp_path: Path
) -> None:
    play("docker", f"printf '{PLUGIN}'")
    compose_plugin.place(tmp_path / "docker-compose")
    (call, *_) = calls()
    assert call.startswith("docker run --rm")
    assert " our-base sh -c " in call


def test_without_a_base_there_is_one_message(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TWOFOLD_BASE_IMAGE")
    play("docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    with pytest.raises(compose_plugin.PluginError, match="Without a base image"):
        compose_plugin.place(tmp_path / "docker-compose")


@pytest.mark.parametrize(
    "script", ["echo E: no mirror answers >&2; exit 100", "echo half; exit 1", "exit 0"]
)
def test_what_did_not_come_whole_is_not_placed(
    play: Play, tmp_path: Path, script: str, capsys: pytest.CaptureFixture[str]
) -> None:
    play("docker", script)
    assert compose_plugin.main(["--into", str(tmp_path / "plugins")]) == 4
    assert list((tmp_path / "plugins").iterdir()) == []
    assert "error: Debian's package docker-compose could not be fetched" in capsys.readouterr().err


def test_a_package_that_never_comes_ends_at_the_limit(
    play: Play, calls: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play("docker", 'test "$1" = rm || exec sleep 30')
    monkeypatch.setattr(compose_plugin, "LIMIT_S", 0.5)
    with pytest.raises(compose_plugin.PluginError, match=r"did not come in 0\.5 s"):
        compose_plugin.place(tmp_path / "docker-compose")
    run, *_, removed = calls()  # the script of the first call has many lines
    assert removed == f"docker rm --force {run.split()[4]}"


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(compose_plugin.PluginError, match=r"cannot be written .* Try --into"):
        compose_plugin.place(tmp_path / "file" / "docker-compose")


def test_on_another_system_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(compose_plugin.PluginError, match="Linux only"):
        compose_plugin.place(tmp_path / "docker-compose")


def test_the_folder_is_the_one_that_docker_looks_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert compose_plugin.plugin_folder() == Path("/home/somebody/.docker/cli-plugins")
    monkeypatch.setenv("DOCKER_CONFIG", "/etc/docker-for-me")
    assert compose_plugin.plugin_folder() == Path("/etc/docker-for-me/cli-plugins")
