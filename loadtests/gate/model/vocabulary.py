"""The words of ``verdict.json``: verdicts, endpoints, versions and modes."""

from __future__ import annotations

from enum import StrEnum

SCHEMA_VERSION = 5
"""Version of ``verdict.json``. 3: the open loop's rates, and consistency checks of two replicas;
4: the error of ``regressed`` is spent late; 5: open windows count what was due, hung ones fail."""

READABLE = frozenset({SCHEMA_VERSION - 1, SCHEMA_VERSION})
"""Versions that can be read. The figures of 4 were counted otherwise, so it is not continued."""


class GateVerdict(StrEnum):
    """The verdict on a change, or on one endpoint."""

    PASS = "pass"  # noqa: S105  no password
    REGRESSED = "regressed"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


class EndpointName(StrEnum):
    """The compared figures; the last three are guards, which have no margin."""

    THROUGHPUT = "throughput"
    CPU = "cpu_per_request"
    P50 = "p50"
    P99 = "p99"
    SCALING = "scaling"
    ERRORS = "errors"
    ANSWERS = "answers"
    BEGINS = "begins"


SIDE_BY_SIDE = (EndpointName.THROUGHPUT, EndpointName.CPU, EndpointName.P50, EndpointName.P99)
"""Endpoints measured on pairs of starts; scaling is measured in blocks."""


class SideName(StrEnum):
    """The two versions."""

    BASE = "base"
    HEAD = "head"


class SideKind(StrEnum):
    """What names a version."""

    IMAGE = "image"
    REF = "ref"
    PATH = "path"


class Mode(StrEnum):
    """The load of a window: users that wait for answers, or a fixed arrival rate."""

    CLOSED = "closed"
    OPEN = "open"
