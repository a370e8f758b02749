"""What a plan says of a variant before anything is started."""

from __future__ import annotations

import pytest

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import Target, TargetKind
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


def test_each_compose_file_of_a_target_is_named() -> None:
    target = Target(
        kind=TargetKind.SERVICE,
        given="compose.yaml:prod.yaml:web",
        name="web",
        compose_file="/shop/compose.yaml",
        overrides=("/shop/prod.yaml",),
    )

    assert tested.target(target) == [
        "Tested     web (a Compose service, with what it needs, in /shop/compose.yaml and"
        " /shop/prod.yaml)"
    ]
