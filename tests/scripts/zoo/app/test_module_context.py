from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from scripts.zoo.app import create_app
from scripts.zoo.app.switches import Switches


def test_a_context_in_the_module_is_overwritten_by_the_next_request() -> None:
    app = create_app({"SWITCHES": Switches(module_context=True)})

    def ask(number: int) -> bool:
        answer = app.test_client().get(f"/context?token={number}&ms=50").get_json()
        return bool(answer["isolated"])

    assert ask(0), "alone it looks right"
    with ThreadPoolExecutor(4) as pool:
        assert not all(pool.map(ask, range(4)))
