"""Where a user with a client of the locustfile's own finds the target."""

from __future__ import annotations

import pytest

from loadtests.generator.session.users import host_for


@pytest.mark.parametrize(
    ("own", "host"),
    [
        (None, "http://10.0.0.1:8000"),
        ("", "http://10.0.0.1:8000"),
        ("http://localhost:5000", "http://10.0.0.1:8000"),
        ("https://shop.example/v1", "http://10.0.0.1:8000/v1"),
        ("ws://localhost:5000/chat", "ws://10.0.0.1:8000/chat"),
        ("wss://shop.example", "ws://10.0.0.1:8000"),
        ("localhost:50051", "10.0.0.1:8000"),
    ],
)
def test_the_hosts_form_is_kept_and_its_address_is_the_targets(own: str | None, host: str) -> None:
    assert host_for(own, "http://10.0.0.1:8000") == host
