"""Variables on their way through Docker's programs: hidden, and without a say on this machine."""

from __future__ import annotations

import stat

import pytest

from loadtests.tools.docker import variables

STEERING = (
    *("PATH", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "GLIBC_TUNABLES", "TMPDIR", "GODEBUG"),
    *("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "BUILDX_CONFIG", "BUILDKIT_HOST"),
    *("COMPOSE_FILE", "SSH_AUTH_SOCK", "SSH_ASKPASS", "SSL_CERT_FILE", "XDG_CONFIG_HOME"),
    *("HTTP_PROXY", "https_proxy", "NO_PROXY", "GIT_SSH_COMMAND", "BASH_ENV", "PYTHONPATH"),
    *("AWS_SECRET_ACCESS_KEY", "OTEL_EXPORTER_OTLP_ENDPOINT", "git_ssh_key", "ANYTHING"),
)


@pytest.mark.parametrize("name", STEERING)
def test_what_a_program_of_this_machine_may_read_is_not_in_its_environment(name: str) -> None:
    assert not variables.may_be_inherited(name, "of a stranger")
    assert variables.of_build({name: "of a stranger"}) == {name: "of a stranger"}
    with variables.carried({name: "of a stranger"}) as ways:
        assert not ways.env
        assert not ways.texts
        assert ways.file is not None
        assert ways.file.read_text() == f"{name}=of a stranger\n"


@pytest.mark.parametrize(
    "name", ["TOKEN", "NPM_TOKEN", "db_password", "SECRET_KEY", "DATABASE_URL", "SENTRY_DSN"]
)
def test_a_secret_is_in_no_list_of_processes(name: str) -> None:
    assert variables.of_build({name: "s3cret"}) == {name: None}
    with variables.carried({name: "s3cret"}) as ways:
        assert (ways.file, ways.texts, ways.env) == (None, (name,), {name: "s3cret"})


def test_what_this_process_has_itself_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERSION_OF_SHOP", "7")

    assert variables.of_build({"VERSION_OF_SHOP": "7"}) == {"VERSION_OF_SHOP": None}
    assert variables.of_build({"VERSION_OF_SHOP": "8"}) == {"VERSION_OF_SHOP": "8"}


def test_an_argument_without_a_value_stays_this_processs_own() -> None:
    assert variables.of_build({"PATH": None}) == {"PATH": None}


def test_the_file_is_only_ours_and_goes_with_the_block() -> None:
    with variables.carried({"PATH": "/a", "HOME": " b#"}) as ways:
        assert ways.file is not None
        assert stat.S_IMODE(ways.file.stat().st_mode) == 0o600
        assert ways.file.read_text() == "PATH=/a\nHOME= b#\n"
    assert not ways.file.exists()


def test_what_no_line_of_a_file_can_hold_is_among_the_words() -> None:
    given = {"PATH": "a\nb", "HOME": "c\r", "#x": "d", "LONG": "e" * 70_000, "BYTES": "\udcff"}

    with variables.carried(given) as ways:
        assert ways.file is None
        assert not ways.env
        assert ways.texts == tuple(f"{name}={value}" for name, value in given.items())
