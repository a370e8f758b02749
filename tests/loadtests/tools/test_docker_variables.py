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
    *("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_CLIENT_KEY", "git_ssh_key", "ANYTHING"),
    *("GIT_CONFIG_KEY_0", "GIT_SSL_KEY", "GIT_PROXY_SSL_CERT_PASSWORD_PROTECTED", "GIT_ASKPASS"),
    *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ENDPOINT_URL", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_ACCESS_KEY_ID", "GOOGLE_APPLICATION_CREDENTIALS", "PASSWORD_STORE_KEY", "PWD"),
    *("DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE", "ACTIONS_RUNTIME_TOKEN", "SSH_ASKPASS_REQUIRE"),
    *("GCM_CREDENTIAL_STORE", "GCM_CREDENTIAL_CACHE_OPTIONS", "GCM_AZREPOS_SP_SECRET"),
    *("SHOP_CREDENTIAL_STORE", "KEY_STORES", "TOKEN_CACHE", "SECRET_BACKEND", "KEYS_PROVIDER"),
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


SECRETS = (
    *("TOKEN", "NPM_TOKEN", "db_password", "SECRET_KEY", "DATABASE_URL", "SENTRY_DSN"),
    *("GIT_TOKEN", "SSH_PRIVATE_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"),
    *("MYSQL_PWD", "SECRET_KEY_BASE", "API_KEY_PROD", "STRIPE_APIKEY", "GOOGLE_CREDENTIALS"),
    *("REGISTRY_PASSWORD", "SSL_KEY", "REDISCLI_AUTH"),
)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_in_no_list_of_processes(name: str) -> None:
    assert variables.of_build({name: "s3cret"}) == {name: None}
    with variables.carried({name: "s3cret"}) as ways:
        assert (ways.file, ways.texts, ways.env) == (None, (name,), {name: "s3cret"})


@pytest.mark.parametrize("name", ["SSH_PRIVATE_KEY", "GOOGLE_CREDENTIALS"])
def test_a_secret_of_several_lines_is_in_no_list_of_processes(name: str) -> None:
    key = "-----BEGIN KEY-----\nabc\n"
    with variables.carried({name: key}) as ways:
        assert (ways.file, ways.texts, ways.env) == (None, (name,), {name: key})


def test_a_name_that_no_environment_can_have_is_not_in_one() -> None:
    assert not variables.may_be_inherited("PATH=/theirs:_TOKEN", "of a stranger")


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
