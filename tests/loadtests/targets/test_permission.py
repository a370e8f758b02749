import re
import socket
from collections.abc import Callable

import pytest

from loadtests.model.errors import UsageError
from loadtests.report.text.init.kubernetes_hooks import NO_URL
from loadtests.targets.permission import (
    Loaded,
    accepts,
    check_generators,
    is_of_this_machine,
    permitted,
)

PUBLIC = "203.0.113.9"
"""An address for documentation (RFC 5737): nobody's, and not private."""


def resolving(*addresses: str) -> Callable[[str, int], tuple[str, ...]]:
    return lambda _, __: addresses


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1"),
        ("http://127.8.9.10", "127.8.9.10"),
        ("http://localhost", "127.0.0.1"),
        ("http://LOCALHOST.:80", "127.0.0.1"),
        ("http://10.77.0.11:8080", "10.77.0.11"),
        ("http://172.16.0.1", "172.16.0.1"),
        ("http://172.31.255.254", "172.31.255.254"),
        ("http://192.168.1.1:65535", "192.168.1.1"),
        ("http://[::1]:8080", "::1"),
        ("http://[fd00::7]", "fd00::7"),
        ("http://[::ffff:10.0.0.1]", "::ffff:10.0.0.1"),
        ("http://web.internal/", "10.1.2.3"),
    ],
)
def test_loopback_and_private_addresses_may_be_loaded(url: str, address: str) -> None:
    assert permitted(url, resolve=resolving(address)).address == address.replace(
        "::ffff:10.0.0.1", "::ffff:a00:1"
    )


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://8.8.8.8", ("8.8.8.8",)),
        ("http://172.15.0.1", ("172.15.0.1",)),
        ("http://172.32.0.1", ("172.32.0.1",)),
        ("http://192.167.255.255", ("192.167.255.255",)),
        ("http://11.0.0.1", ("11.0.0.1",)),
        ("http://126.255.255.255", ("126.255.255.255",)),
        ("http://100.64.0.1", ("100.64.0.1",)),
        ("http://169.254.169.254", ("169.254.169.254",)),
        ("http://255.255.255.255", ("255.255.255.255",)),
        ("http://224.0.0.1", ("224.0.0.1",)),
        ("http://[2001:4860::8888]", ("2001:4860::8888",)),
        ("http://[fe80::1%25eth0]", ("fe80::1%eth0",)),
        ("http://[::ffff:8.8.8.8]", ("::ffff:8.8.8.8",)),
        ("http://[2002:808:808::1]", ("2002:808:808::1",)),
        ("http://[2002:7f00:1::]", ("2002:7f00:1::",)),
        ("http://[2002:a00:1::1]", ("2002:a00:1::1",)),
        ("http://example.com", (PUBLIC,)),
        ("http://EXAMPLE.com.", (PUBLIC,)),
        ("http://two.example.com", ("10.0.0.1", PUBLIC)),
        ("http://two.example.com", (PUBLIC, "10.0.0.1")),
        ("http://134744072", ("8.8.8.8",)),
        ("http://0x08.0x08.0x08.0x08", ("8.8.8.8",)),
    ],
)
def test_any_other_address_has_to_be_named_again(url: str, addresses: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"neither loopback nor private.*--i-may-load"):
        permitted(url, resolve=resolving(*addresses))


@pytest.mark.parametrize(
    ("url", "address", "found"),
    [
        ("http://0.0.0.0:8080", "0.0.0.0", "http://127.0.0.1:8080"),
        ("http://[::]", "::", "http://[::1]:80"),
    ],
)
def test_where_a_server_says_that_it_listens_is_no_address_of_it(
    url: str, address: str, found: str
) -> None:
    with pytest.raises(UsageError, match=rf"{re.escape(found)}\. .*--i-may-load {address}"):
        permitted(url, resolve=resolving(address))


def test_a_name_that_a_filter_answers_with_no_address_is_not_said_to_be_of_this_machine() -> None:
    with pytest.raises(UsageError, match=r"shop\.example\.com is at 0\.0\.0\.0.*--i-may-load"):
        permitted("http://shop.example.com", resolve=resolving("0.0.0.0"))


def test_the_url_that_stands_for_a_missing_one_is_told_as_such() -> None:
    with pytest.raises(UsageError, match=r"address for examples.* Write down where the deployment"):
        permitted(NO_URL)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://shop.example.com", "shop.example.com"),
        ("http://Shop.Example.COM.", "shop.example.com"),
        ("http://shop.example.com", "SHOP.example.com."),
        ("http://shop.example.com", PUBLIC),
    ],
)
def test_a_host_that_is_named_again_may_be_loaded(url: str, named: str) -> None:
    assert permitted(url, [named], resolve=resolving(PUBLIC)) == Loaded(
        host="shop.example.com", port=80, address=PUBLIC
    )


@pytest.mark.parametrize("named", ["example.com", "evil-shop.example.com", "203.0.113.1", ""])
def test_another_host_that_is_named_allows_nothing(named: str) -> None:
    with pytest.raises(UsageError, match="neither loopback nor private"):
        permitted("http://shop.example.com", [named], resolve=resolving(PUBLIC))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://10.0.0.1", "https is not supported"),
        ("ftp://10.0.0.1", "cannot be used"),
        ("http://", "cannot be used"),
        ("http://10.0.0.1:99999", "cannot be used"),
        ("http://10.0.0.1:0", "port 0, at which nothing listens"),
        ("http://10.0.0.1:00/", "port 0, at which nothing listens"),
        ("http://ada:secret@10.0.0.1", "has a user name"),
        ("http://10.0.0.1@8.8.8.8/", "has a user name"),
        ("http://10.0.0.1/v1", "Name paths as requests"),
        ("http://10.0.0.1/?q=1", "Name paths as requests"),
        ("http://[10.0.0.1", "cannot be used"),
    ],
)
def test_a_url_of_another_form_is_refused(url: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        permitted(url, resolve=resolving("10.0.0.1"))


def test_a_password_is_not_repeated_in_the_message() -> None:
    with pytest.raises(UsageError) as caught:
        permitted("http://ada:secret@10.0.0.1", resolve=resolving("10.0.0.1"))

    assert "secret" not in str(caught.value)


def test_a_host_without_an_address_is_refused() -> None:
    def nobody(_: str, __: int) -> tuple[str, ...]:
        raise OSError("Name or service not known")

    with pytest.raises(UsageError, match=r"'nowhere\.internal'.*has no address"):
        permitted("http://nowhere.internal", resolve=nobody)


def test_a_name_is_looked_up_once_and_stays_what_it_was() -> None:
    """A name that changes its address afterwards (rebinding) changes nothing."""
    calls: list[str] = []

    def rebinding(host: str, _: int) -> tuple[str, ...]:
        calls.append(host)
        return ("10.0.0.1",) if len(calls) == 1 else ("8.8.8.8",)

    assert permitted("http://web.internal", resolve=rebinding).address == "10.0.0.1"
    assert calls == ["web.internal"]


@pytest.mark.parametrize(
    ("listening", "address", "others"),
    [
        ({"127.0.0.1"}, "127.0.0.1", ("::1",)),
        ({"::1", "127.0.0.1"}, "::1", ("127.0.0.1",)),
        (set(), "::1", ("127.0.0.1",)),
    ],
)
def test_of_several_addresses_the_first_that_accepts_a_connection_is_loaded(
    listening: set[str], address: str, others: tuple[str, ...]
) -> None:
    loaded = permitted(
        "http://localhost:8080",
        resolve=resolving("::1", "127.0.0.1"),
        accepts=lambda text, port: port == 8080 and text in listening,
    )

    assert (loaded.address, loaded.others) == (address, others)


def test_an_address_accepts_a_connection_only_where_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert accepts("127.0.0.1", port)
    assert not accepts("127.0.0.1", port)


def at(host: str, address: str) -> Loaded:
    return Loaded(host=host, port=18080, address=address)


@pytest.mark.parametrize(
    ("loaded", "shown"),
    [
        (at("127.0.0.1", "127.0.0.1"), "127.0.0.1 means"),
        (at("localhost", "::1"), "localhost (::1) means"),
        (at("web.test", "127.0.0.2"), "web.test (127.0.0.2) means"),
        (at("::ffff:7f00:1", "::ffff:7f00:1"), "::ffff:7f00:1 means"),
    ],
)
@pytest.mark.parametrize("addresses", [("10.0.0.5",), ("127.0.0.1", "10.0.0.5")])
def test_generators_of_other_machines_would_load_themselves_at_loopback(
    loaded: Loaded, shown: str, addresses: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as refused:
        check_generators(
            loaded, ["10.0.0.5:8089"], resolve=resolving(*addresses), is_own=lambda _: False
        )

    assert str(refused.value).startswith(f"{shown} another machine at 10.0.0.5:8089")
    assert "an address that all generators reach" in str(refused.value)


def test_a_generator_whose_name_nobody_knows_is_not_called_another_machine() -> None:
    with pytest.raises(UsageError) as refused:
        check_generators(at("localhost", "127.0.0.1"), ["typo-host:5000"], resolve=resolving())

    assert str(refused.value).startswith("The generator typo-host:5000 has no address")
    assert "--generator-workers" in str(refused.value)


def test_a_generator_behind_a_port_of_this_machine_is_told_where_the_url_is_read() -> None:
    loaded, resolve = at("localhost", "127.0.0.1"), resolving("127.0.0.1")

    told = check_generators(loaded, ["localhost:8089", "[::1]:8090"], resolve=resolve)

    assert told is not None
    assert "read where each generator runs" in told
    assert "localhost:8089, [::1]:8090" in told


def test_a_generator_at_an_address_of_this_machine_loads_it_by_loopback() -> None:
    loaded, resolve = at("127.0.0.1", "127.0.0.1"), resolving("10.0.0.5")

    assert check_generators(loaded, ["me:1"], resolve=resolve, is_own=lambda _: True) is None


def test_generators_may_be_anywhere_for_an_address_of_a_network() -> None:
    assert check_generators(at("web", "10.0.0.7"), ["10.0.0.5:8089"]) is None
    assert check_generators(at("localhost", "127.0.0.1"), []) is None


def test_only_addresses_of_this_machine_are_its_own() -> None:
    assert is_of_this_machine("127.0.0.1")
    assert not is_of_this_machine(PUBLIC)
