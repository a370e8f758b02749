"""What can be done about usual causes, by what servers really write."""

import pytest

from loadtests.environments.shared import remedies


@pytest.mark.parametrize(
    "log",
    [
        "Error: '' is not a valid port number.",
        "Error: Invalid value for '--port': '' is not a valid integer.",
        "Error: Invalid value for '-p' / '--port': '' is not a valid integer range.",
        "KeyError: 'PORT'",
    ],
)
def test_a_port_that_is_not_set_is_to_be_set(log: str) -> None:
    assert remedies.of_an_end(log).endswith("not set: --env PORT=8000.")


@pytest.mark.parametrize("word", ["$PORT", "${PORT}"])
def test_a_command_that_no_shell_reads_needs_one(word: str) -> None:
    said = remedies.of_an_end(f"Error: '{word}' is not a valid port number.")

    assert "write CMD as a text" in said


def test_another_number_that_is_not_set_is_no_port() -> None:
    log = "Error: Invalid value for '--workers': '' is not a valid integer."

    assert remedies.of_an_end(log) == ""


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("[7] [INFO] Listening at: unix:/run/app.sock (7)", "bind a TCP port"),
        ("uwsgi socket 0 bound to UNIX address /tmp/a.sock fd 3", "bind a TCP port"),
        ("INFO: Uvicorn running on unix socket /tmp/a.sock", "bind a TCP port"),
        ("invalid request block size: 21573 (max 4096)...skip", "--http-socket instead of"),
        ("[7] [INFO] Listening at: https://0.0.0.0:8000 (7)", "without a certificate"),
        ("INFO: Uvicorn running on https://0.0.0.0:8000", "without a certificate"),
        ("ssl.SSLError: [SSL: HTTP_REQUEST] http request", "without a certificate"),
    ],
)
def test_a_server_that_does_not_speak_http_on_a_port_is_to_do_so(log: str, said: str) -> None:
    assert said in remedies.of_no_answer(log)


def test_a_usual_log_needs_no_remedy() -> None:
    log = "[7] [INFO] Listening at: http://0.0.0.0:8000 (7)\n[8] [INFO] Booting worker"

    assert remedies.of_no_answer(log) == remedies.of_an_end(log) == ""


@pytest.mark.parametrize(
    "line",
    [
        "ModuleNotFoundError: No module named 'shop.settings'",
        "ImportError: No module named shop.settings",
        "/usr/bin/python3.13: No module named shop.settings",
        "Error: No module named 'shop.settings'; 'shop' is not a package",
    ],
)
def test_a_module_that_is_not_there_is_named_and_not_told_as_versions_that_differ(
    line: str,
) -> None:
    assert remedies.of_an_end(f"Traceback:\n{line}\n") == (
        " It has no module shop.settings: install it, or name the folder that it lies in"
        " (PYTHONPATH, WORKDIR)."
    )


def test_packages_that_do_not_fit_together_are_still_told_as_such() -> None:
    said = remedies.of_an_end("ImportError: cannot import name 'url_quote' from 'werkzeug.urls'")

    assert "do not fit together" in said


def test_a_queue_that_the_system_does_not_allow_is_to_be_shorter_or_allowed() -> None:
    log = "Listen queue size is greater than the system max net.core.somaxconn (128)."

    assert remedies.of_an_end(log) == (
        " Give its variant the option --listen 128; or let more connections wait: sysctl -w"
        " net.core.somaxconn=1024."
    )


@pytest.mark.parametrize(
    "log",
    [
        "exec /entrypoint.sh: exec format error",
        'exec: "/srv/start.sh": exec format error',
        "OSError: [Errno 8] Exec format error: './start.sh'",
    ],
)
def test_a_script_that_names_no_interpreter_is_to_name_one(log: str) -> None:
    assert remedies.of_an_end(log) == (" Its first line has to name its interpreter: #!/bin/sh.")


@pytest.mark.parametrize(
    "log",
    [
        "exec /usr/local/bin/python: exec format error",
        "exec user process caused: exec format error",
        "start.sh: it begins\nexec /srv/shop: exec format error",
    ],
)
def test_where_no_script_is_named_both_causes_are_told(log: str) -> None:
    said = remedies.of_an_end(log)

    assert "another kind of processor" in said
    assert "whose first line names no interpreter: #!/bin/sh" in said


def test_a_library_of_the_system_is_named() -> None:
    log = "ImportError: libpq.so.5: cannot open shared object file: No such file or directory"

    assert remedies.of_an_end(log).startswith(" It lacks the library libpq.so.5: install")


def test_a_worker_that_is_killed_while_it_imports_is_to_get_more_time() -> None:
    log = "[7] [CRITICAL] WORKER TIMEOUT (pid:9)\n[10] [INFO] Booting worker with pid: 10"

    assert "raise it (--timeout 120)" in remedies.of_no_answer(log)
