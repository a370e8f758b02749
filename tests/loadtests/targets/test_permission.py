import socket
from collections.abc import Callable

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets.permission import Loaded, accepts, permitted

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
        ("http://0.0.0.0:8080", ("0.0.0.0",)),
        ("http://255.255.255.255", ("255.255.255.255",)),
        ("http://224.0.0.1", ("224.0.0.1",)),
        ("http://[2001:4860::8888]", ("2001:4860::8888",)),
        ("http://[fe80::1%25eth0]", ("fe80::1%eth0",)),
        ("http://[::]", ("::",)),
        ("http://[::ffff:8.8.8.8]", ("::ffff:8.8.8.8",)),
        ("http://[2002:808:808::1]", ("2002:808:808::1",)),
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
