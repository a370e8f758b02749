"""One system of the zoo: what runs, what is true of it, and what the harness may say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from loadtests.environments.replica_environment import Settings
from loadtests.model.vocabulary import Bottleneck, RuleCode, Verdict
from scripts.zoo.injection import Injection
from scripts.zoo.plans import Shape

Doubling = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One system of the zoo.

    ``verdicts`` are the run's true ones; ``may_scale`` the doublings of which ``scales`` is true;
    ``code`` the rule that has to be broken, ``also`` those that may be; ``factors`` the true
    doubling factors where they can be computed, ``sigma`` the serial share.
    """

    name: str
    truth: str
    why: str
    shape: Shape
    verdicts: frozenset[Verdict]
    bottlenecks: frozenset[Bottleneck]
    may_scale: frozenset[Doubling] = frozenset()
    code: RuleCode | None = None
    also: frozenset[RuleCode] = frozenset()
    factors: Mapping[Doubling, float] = field(default_factory=dict)
    sigma: float | None = None
    loss: str | None = None
    """What the largest part of each doubling's loss has to be; None where nothing is asked."""
    inject: Callable[[], Injection] = Injection
    settings: Settings = field(default_factory=dict)
    """Variables for replicas; ``{folder}`` is a folder of this run's own."""
