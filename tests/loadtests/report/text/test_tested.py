"""What a plan says of a variant before anything is started."""

from __future__ import annotations

import pytest

from loadtests.model.plan import WorkerModel
from loadtests.report.text import tested


@pytest.mark.parametrize(
    ("server", "mode", "slots", "expected"),
    [
        ("command", None, None, "slots not known"),
        ("command", None, 1, "1 slots"),
        ("gunicorn", "shop.workers.Ours", None, "slots not known"),
        ("gunicorn", "egg:meinheld#gunicorn_worker", None, "slots not known"),
        ("gunicorn", "gevent", None, "unlimited slots"),
    ],
)
def test_slots_are_called_unlimited_only_where_they_are(
    server: str, mode: str | None, slots: int | None, expected: str
) -> None:
    worker = WorkerModel(name="own", server=server, mode=mode, processes=1, threads=1, slots=slots)

    assert tested.variant(worker).endswith(f"{expected})")
