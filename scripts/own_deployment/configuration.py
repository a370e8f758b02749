"""The configuration with which Twofold measures a deployment by its URL and its hooks."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

TEXT = """\
[tool.twofold]
url = {url}
health = "/healthz"

[tool.twofold.workloads.cpu]
path = "/cpu"

[tool.twofold.external]
scale = {scale}
replicas = {replicas}
counters = {counters}
header = "X-Upstream-Addr"
limit-s = 120
"""

HOOKS = ("-m", "scripts.own_deployment.hooks")

LIGHT = ("-S", *HOOKS)
"""Without other people's packages, which takes a fraction of the time."""


def text_for(url: str, folder: Path) -> str:
    """Return the text of a configuration for the deployment at a URL, whose state is in a folder.

    A replica's name is its address, by which nginx names it in each answer.
    """
    commands = {
        "scale": (*HOOKS, "scale", str(folder), "{replicas}"),
        "replicas": (*LIGHT, "replicas", str(folder)),
        "counters": (*LIGHT, "counters", str(folder)),
    }
    values = {name: shlex.join((sys.executable, *words)) for name, words in commands.items()}
    quoted = {name: json.dumps(value) for name, value in {"url": url, **values}.items()}
    return TEXT.format(**quoted)
