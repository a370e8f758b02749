"""The words of a result: verdicts, bottlenecks, rules and roles."""

from __future__ import annotations

from enum import StrEnum

SCHEMA_VERSION = 1
"""Version of ``run.json`` and of a journal's line. 1: the first."""


class Verdict(StrEnum):
    """What can be said of a doubling, or of a run."""

    SCALES = "scales"
    FALLS_SHORT = "falls_short"
    NO_GAIN = "no_gain"
    BREAKS = "breaks"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


class Bottleneck(StrEnum):
    """What was full in a cell's windows."""

    REPLICA_CPU = "replica_cpu"
    WORKER_SLOTS = "worker_slots"
    PROXY = "proxy"
    GENERATOR = "generator"
    STORE = "store"
    HOST = "host"
    UNEXPLAINED = "unexplained"


class RuleCode(StrEnum):
    """The validity rules; each is explained where it is checked, in ``validity``."""

    GENERATOR_SATURATED = "generator_saturated"
    PROXY_SATURATED = "proxy_saturated"
    REPLICA_SHARE = "replica_share"
    IDLE_COST = "idle_cost"
    NOT_SATURATED = "not_saturated"
    ERRORS = "errors"
    CONSERVATION = "conservation"
    IDENTITY = "identity"
    HOST_CONTENTION = "host_contention"
    STEADY = "steady"
    BUDGET = "budget"


class RuleState(StrEnum):
    """Whether a rule held. A rule that could not be checked here is never called held."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNCHECKED = "unchecked"


class Role(StrEnum):
    """What a member of the stack is there for."""

    REPLICA = "replica"
    PROXY = "proxy"
    GENERATOR = "generator"
    STORE = "store"
    METRONOME = "metronome"
