"""What is advised for what clients of stores really write."""

from __future__ import annotations

import pytest

from loadtests.targets.application import unreachable


@pytest.mark.parametrize(
    "error",
    [
        'connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused',
        "ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
        "Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused)",
        "localhost:27017: [Errno 111] Connection refused (configured timeouts: …)",
        "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 5432)",
    ],
)
def test_a_store_at_localhost_is_not_there_in_a_container(error: str) -> None:
    assert "localhost is the container itself" in (unreachable.advice(error) or "")


@pytest.mark.parametrize(
    "error",
    [
        'could not translate host name "db" to address: Name or service not known',
        "failed to resolve host 'db': [Errno -3] Temporary failure in name resolution",
        "Error -2 connecting to redis:6379. Name or service not known.",
    ],
)
def test_a_host_that_nobody_knows_comes_with_a_compose_service(error: str) -> None:
    assert "compose.yaml:web" in (unreachable.advice(error) or "")


@pytest.mark.parametrize("error", ["Listening at: http://127.0.0.1:8000", "KeyError: 'x'", ""])
def test_another_error_has_no_such_advice(error: str) -> None:
    assert unreachable.advice(error) is None
