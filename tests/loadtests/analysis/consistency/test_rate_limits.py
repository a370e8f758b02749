"""Whose servers count a rate limit alone."""

from __future__ import annotations

from loadtests.analysis.consistency.judgement import Asked
from loadtests.analysis.consistency.rate_limits import counting_alone, limits
from loadtests.model.consistency import Seen


def seen(replica: str, left: int) -> Seen:
    return Seen(replica=replica, status=200, limit_left=left)


def test_worker_models_whose_servers_count_alone_are_named() -> None:
    alone = [seen("sync-1", 5), seen("sync-2", 9), seen("sync-1", 4)]
    together = [Seen(replica="gthread-1", status=429), Seen(replica="gthread-2", status=429)]

    found = [
        limits(Asked(worker="sync", workload="browse"), alone),
        limits(Asked(worker="gthread", workload="browse"), together),
    ]

    assert counting_alone([one for one in found if one is not None]) == {"sync"}
    assert all(found)
