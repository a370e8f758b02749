"""How a deployment that runs already is scaled and read: commands of the user's. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

KUBERNETES = "twofold-kubernetes"
"""Our program for Kubernetes in a hook; it needs no entry on PATH."""

KUBECTL = "kubectl"

END = "--"
"""The word after which a command has no options of its own."""


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """The commands for a deployment, as argument lists that run without a shell.

    ``scale`` sets the number of replicas; ``{replicas}`` in its words stands for it. ``replicas``
    prints the names of those that serve, one a line. ``ready`` ends with code 0 when the deployment
    is ready. ``counters`` prints one line a replica: its name, its CPU-seconds so far, and if
    known the seconds for which it was throttled, and its CPU limit. ``reset`` runs before each
    round. Each may take ``limit_s``. ``header`` names the response header with the replica's name.
    ``ready_limit_s`` is how long the deployment may take to have its new number.
    ``folder`` is that of the configuration, where the commands run; without one, where the run is.
    """

    scale: tuple[str, ...] = ()
    replicas: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()
    header: str | None = None
    limit_s: float = 60.0
    ready_limit_s: float = 300.0
    folder: str = ""

    @property
    def is_of_kubernetes(self) -> bool:
        """Whether the deployment is scaled by kubectl, or by our own program that runs it."""
        return bool(self.scale) and self.scale[0] in {KUBERNETES, KUBECTL}


def option_in(words: Sequence[str], name: str) -> str | None:
    """Return an option's value in a command's words: ``--context x``, ``--context=x``, ``-nx``."""
    is_short = not name.startswith(END)
    for word, following in pairwise((*own_words(words), "")):
        if word == name:
            return following or None
        if word.startswith(f"{name}=") or (is_short and word.startswith(name)):
            return word.removeprefix(name).removeprefix("=") or None
    return None


def own_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return a command's words before those of another program that it runs (``--``)."""
    return tuple(takewhile(lambda word: word != END, words))
