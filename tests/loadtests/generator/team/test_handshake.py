import pytest

from loadtests.generator.team import handshake
from loadtests.generator.team.handshake import Join, Unusable

KEY = b"0123456789abcdef"
JOIN = Join(number=0, of=2, processes=1)


def test_a_proof_holds_for_the_same_secret_numbers_and_words_only() -> None:
    given = handshake.proof(KEY, "harness", "a", "b", JOIN)

    assert handshake.holds(KEY, given, "harness", "a", "b", JOIN)
    assert not handshake.holds(b"another secret!!", given, "harness", "a", "b", JOIN)
    assert not handshake.holds(KEY, given, "generator", "a", "b", JOIN)
    assert not handshake.holds(KEY, given, "harness", "c", "b", JOIN)
    other = Join(number=1, of=2, processes=1)
    assert not handshake.holds(KEY, given, "harness", "a", "b", other)
    assert not handshake.holds(KEY, None, "harness", "a", "b", JOIN)


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.2", True),
        ("10.1.2.3", True),
        ("172.31.0.1", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("8.8.8.8", False),
        ("169.254.169.254", False),
        ("::1", True),
        ("fd00::1", True),
        ("::ffff:8.8.8.8", False),
        ("::ffff:10.0.0.1", True),
        ("0.0.0.0", False),
        ("name", False),
    ],
)
def test_only_loopback_and_private_addresses_are_private(address: str, private: bool) -> None:
    assert handshake.is_private(address) is private


@pytest.mark.parametrize(
    "value",
    [
        {"number": 2, "of": 2, "processes": 1},
        {"number": "0", "of": 2, "processes": 1},
        {"number": 0, "of": 1},
        {"number": 0, "of": 1, "processes": 1, "variables": {"LD_PRELOAD": "x"}},
        None,
    ],
)
def test_what_cannot_be_a_part_or_would_set_other_variables_is_refused(value: object) -> None:
    with pytest.raises(Unusable):
        handshake.read_join(value)


def test_a_secret_is_needed_and_may_not_be_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(handshake.VARIABLE, "short")

    with pytest.raises(Unusable, match="at least 16 characters"):
        handshake.secret()


@pytest.mark.parametrize(
    ("text", "parts"),
    [("10.0.0.5:8089", ("10.0.0.5", 8089)), ("[::1]:80", ("::1", 80)), ("web:1", ("web", 1))],
)
def test_an_address_is_a_host_and_a_port(text: str, parts: tuple[str, int]) -> None:
    assert handshake.host_and_port(text) == parts


@pytest.mark.parametrize("text", ["10.0.0.5", ":80", "web:", "web:x", "web:70000"])
def test_another_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Unusable, match=r"Example: 10\.0\.0\.5:8089"):
        handshake.host_and_port(text)
