"""What must never be said to break."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts.second_server import innocent_apps as apps
from scripts.second_server.subjects import NOTE, Subject

ANY = frozenset(
    {"scales", "falls_short", "no_gain", "super_linear", "inconclusive", "invalid", "not_measured"}
)
"""How it scales is another question."""
NEVER = frozenset({"breaks"})


def fixtures() -> Sequence[Subject]:
    """Return applications whose answers differ for a harmless reason."""
    return (
        _subject("time stamps", apps.TIME_STAMPS),
        _subject("random ids", apps.RANDOM_IDS, "3 GET /", "POST /orders"),
        _subject("A/B test", apps.AB_TEST),
        _subject("ETags", apps.ETAGS),
        _subject("Server-Timing", apps.SERVER_TIMING),
        _subject("metrics of each process", apps.METRICS, "3 GET /", "GET /metrics"),
        _subject("metrics by path", apps.METRICS_BY_PATH, "POST /checkout", "GET /metrics"),
        _subject(
            "metrics by path of many",
            apps.METRICS_BY_PATH,
            "POST /items/{1000..9999}/buy",
            "GET /metrics",
        ),
        _subject(
            "metrics by label",
            apps.METRICS_BY_LABEL,
            "POST /items/{1000..9999}/buy",
            "GET /metrics",
        ),
        _subject("gzip", apps.GZIP),
        _subject("CSRF tokens", apps.CSRF, "GET /form", "GET /me"),
        _subject("shuffled lists", apps.SHUFFLED),
        _subject("writes that all share", apps.WRITES, NOTE, "3 GET /notes"),
    )


def sample() -> Subject:
    """Return the sample application."""
    return Subject(
        name="the sample", files={}, requests=(), target="sample", verdicts=ANY, never=NEVER
    )


def other(name: str, folder: Path, expected: str = "", said: str = "") -> Subject:
    """Return an application of others: its folder has a configuration.

    ``expected`` is the verdict that has to come out, and ``said`` what the run must say; without
    them, it must not break.
    """
    return Subject(
        name=name,
        files={},
        folder=folder,
        workers=("as its folder says",),
        verdicts=frozenset({expected}) if expected else ANY,
        never=frozenset() if expected else NEVER,
        said=(said,) if said else (),
    )


def _subject(name: str, text: str, *requests: object) -> Subject:
    return Subject(
        name=name,
        files={"shop.py": text},
        requests=requests or ("GET /",),
        verdicts=ANY,
        never=NEVER,
    )
