import pytest

from loadtests.config.request_line import RequestLine, parse
from loadtests.model.errors import UsageError


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("/", RequestLine(path="/")),
        ("GET /", RequestLine(path="/")),
        ("get /a", RequestLine(path="/a")),
        ("3 GET /search?q={word}", RequestLine(weight=3, path="/search?q={word}")),
        ("  2   POST   /cart ", RequestLine(weight=2, method="POST", path="/cart")),
        ("5 /a", RequestLine(weight=5, path="/a")),
        ("GET /proxy?to=http://x", RequestLine(path="/proxy?to=http://x")),
    ],
)
def test_a_line_is_a_weight_a_method_and_a_path(text: str, request_: RequestLine) -> None:
    assert parse(text) == request_


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' is no request"),
        ("GET", "The path 'GET' has to begin with one slash. Try /GET."),
        ("GET /a b", "'GET /a b' is no request"),
        ("3 GTE /", "Unknown method 'GTE'. Did you mean GET?"),
        ("0 GET /", "The weight 0 has to be an integer from 1 to 10000"),
        ("-1 GET /", "The weight -1 has to be an integer"),
        ("1.5 /", "The weight 1.5 has to be an integer"),
        ("GET search", "The path 'search' has to begin with one slash. Try /search."),
        ("GET //shop.example/", "has to begin with one slash. Try /shop.example/."),
        ("GET https://shop.example/", "names a host. Only the target is loaded"),
        ("GET /#top", "has a #"),
    ],
)
def test_anything_else_is_refused_with_a_way_out(text: str, told: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse(text)

    assert told in str(refusal.value)
