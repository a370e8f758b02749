"""Whose connections a store has."""

from __future__ import annotations

import pytest

from loadtests.tools.stores.clients import by_replica

ADDRESSES = {"10.0.0.1": "web-1", "10.0.0.2": "web-2"}


def test_replicas_are_named_and_other_addresses_counted() -> None:
    hosts = ["10.0.0.2", "10.0.0.9", "10.0.0.1", "10.0.0.2", "fd00::9"]

    assert by_replica(hosts, ADDRESSES) == ({"web-1": 1, "web-2": 2}, 2)


@pytest.mark.parametrize("host", ["", None, "[local]", "127.0.0.1", "::1", "localhost", "/tmp/s"])
def test_a_client_of_the_stores_own_machine_or_one_with_a_name_is_from_nowhere_else(
    host: str | None,
) -> None:
    assert by_replica([host], ADDRESSES) == ({}, 0)


def test_where_replicas_have_no_address_nobody_is_from_elsewhere() -> None:
    assert by_replica(["10.0.0.9"], {}) == ({}, 0)
