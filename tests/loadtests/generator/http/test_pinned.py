import pytest

from loadtests.generator.http.pinned import PinnedResolver


class Resolver:
    """Notes what is looked up."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def getaddrinfo(self, host: str, *_: object, **__: object) -> None:
        self.asked.append(host)

    def gethostbyname(self, host: str) -> None:
        self.asked.append(host)


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("web.example", "10.0.0.7"),
        ("WEB.example.", "10.0.0.7"),
        ("other.example", "other.example"),
        ("10.0.0.9", "10.0.0.9"),
    ],
)
def test_only_the_pinned_name_is_replaced(host: str, asked: str) -> None:
    stock = Resolver()
    pinned = PinnedResolver(stock, "web.example", "10.0.0.7")

    pinned.getaddrinfo(host, 80)
    pinned.gethostbyname(host)

    assert stock.asked == [asked, asked]
