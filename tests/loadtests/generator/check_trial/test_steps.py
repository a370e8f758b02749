"""What a check trial tells of a request, so that the checks can send it again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.generator.check_trial.steps import sent


def headers_told(**headers: str) -> dict[str, str]:
    own = {name.replace("_", "-"): text for name, text in headers.items()}
    view: Any = SimpleNamespace(request=SimpleNamespace(path_url="/", headers=own, body=b""))
    told: dict[str, str] = sent(view)["headers"]
    return told


@pytest.mark.parametrize(
    ("name", "usual", "own"),
    [("Accept", "*/*", "application/vnd.shop.v2+json"), ("User-Agent", "twofold", "Mozilla/5.0")],
)
def test_a_header_that_the_load_chose_is_told_and_the_usual_one_is_not(
    name: str, usual: str, own: str
) -> None:
    key = name.replace("-", "_")

    assert headers_told(**{key: own}) == {name: own}
    assert headers_told(**{key: usual}) == {}


def test_what_any_client_sends_by_itself_is_not_told() -> None:
    assert headers_told(Host="shop", Cookie="a=b", X_Token="t") == {"X-Token": "t"}
