"""The configuration with which Twofold measures a deployment by its URL and its hooks."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from scripts.own_deployment import printed

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

SCALE = ("-m", "scripts.own_deployment.hooks")

PRINT = ("-I", "-S", str(printed.__file__))


def text_for(url: str, folder: Path) -> str:
    """Return the text of a configuration for the deployment at a URL, whose state is in a folder.

    A replica's name is its address, by which nginx names it in each answer.
    """
    commands = {
        "scale": (*SCALE, str(folder), "{replicas}"),
        "replicas": (*PRINT, "replicas", str(folder)),
        "counters": (*PRINT, "counters", str(folder)),
    }
    values = {name: shlex.join((sys.executable, *words)) for name, words in commands.items()}
    quoted = {name: json.dumps(value) for name, value in {"url": url, **values}.items()}
    return TEXT.format(**quoted)
