"""The zoo's application under real gunicorn, on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.app.conftest import Serve, failed_start, serving

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

APPLICATION = "scripts.zoo.app:create_app()"


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start the zoo's application with more environment."""
    with serving(APPLICATION, tmp_path_factory.mktemp("gunicorn")) as start:
        yield start


@pytest.mark.parametrize(
    ("model", "mixed_up"), [("gthread", True), ("gevent", True), ("sync", False)]
)
def test_a_context_in_the_module_is_caught_wherever_requests_share_a_process(
    model: str, mixed_up: bool, serve: Serve
) -> None:
    server = serve(WORKER_MODEL=model, CONTEXT_STORE="module")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(server.get, ["/context?ms=20"] * 64))

    assert (not all(json.loads(answer)["isolated"] for answer in answers)) == mixed_up


def test_a_setting_that_cannot_be_ends_the_replica_with_its_name() -> None:
    ended = failed_start(APPLICATION, {"SERIAL_SHARE": "0.1"})

    assert ended.returncode != 0
    assert "SERIAL_SHARE=0.1 needs SERIAL_LOCK" in ended.stderr
