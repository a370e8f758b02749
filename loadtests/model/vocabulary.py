"""The words of ``run.json``: verdicts, bottlenecks, rules and roles."""

from __future__ import annotations

from enum import StrEnum

SCHEMA_VERSION = 1
"""Version of ``run.json`` and of a journal's line. 1: the first."""


class Verdict(StrEnum):
    """The verdict on a doubling, or on a run."""

    SCALES = "scales"
    FALLS_SHORT = "falls_short"
    NO_GAIN = "no_gain"
    BREAKS = "breaks"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


class Bottleneck(StrEnum):
    """The resource that limits a cell's throughput."""

    REPLICA_CPU = "replica_cpu"
    WORKER_SLOTS = "worker_slots"
    PROXY = "proxy"
    GENERATOR = "generator"
    STORE = "store"
    CONNECTIONS = "connections"
    FILE_LOCK = "file_lock"
    HOST = "host"
    WAITING = "waiting"
    """Requests waited in the application, at the line that the detail names."""
    UNEXPLAINED = "unexplained"


class RuleCode(StrEnum):
    """The validity rules; ``analysis.rules`` checks and explains each."""

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
    NODES = "nodes"
    NODE_SPEED = "node_speed"
    REPLICA_SPEED = "replica_speed"
    NETWORK = "network"
    CLOCKS = "clocks"
    ANSWER_SIZE = "answer_size"
    WINDOW_LENGTH = "window_length"


DEPLOYMENT = "deployment"
"""The name of a deployment that runs already among a stack's identities."""

AS_SCALED = "as it was scaled"
"""Its identity while nothing has changed but by our orders."""

NODE_PREFIX = "node "
"""Begins the name of a Swarm's node among a stack's identities."""


def node_member(name: str) -> str:
    """Return the name of a node among a stack's identities."""
    return NODE_PREFIX + name


class RuleState(StrEnum):
    """Whether a rule holds; a rule that could not be checked never counts as holding."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNCHECKED = "unchecked"


def generator_member(number: int) -> str:
    """Return the name of a machine's generator, counted from 1, among a stack's members.

    No replica has such a name, whatever its worker model is called.
    """
    return Role.GENERATOR.value if number == 1 else f"{Role.GENERATOR}:{number}"


def is_generator(member: str) -> bool:
    """Return whether a member is one machine's generator."""
    return member.partition(":")[0] == Role.GENERATOR


def idle_control(worker: str) -> str:
    """Return the name of a worker model's idle control among a stack's members.

    Replicas count from 1, so none has such a name.
    """
    return f"{worker}-0"


def is_idle_control(member: str) -> bool:
    """Return whether a member is the idle control of a worker model; see :func:`idle_control`."""
    return member.endswith("-0")


class Role(StrEnum):
    """The part that a member has in the stack."""

    REPLICA = "replica"
    PROXY = "proxy"
    GENERATOR = "generator"
    STORE = "store"
    METRONOME = "metronome"
