"""The text of a configuration file for a workload on Kubernetes. PURE."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

NO_URL = "http://192.0.2.1:8080"
"""Stands for a URL that is missing. Its address is for documentation (RFC 5737), so that nothing is
loaded or scaled before somebody has written the right one: see ``targets.permission``."""


def render(
    *,
    workload: str,
    flags: Sequence[str],
    scale: Sequence[str],
    url: str | None,
    replicas: int,
    limits: Mapping[str, str | None],
    counters: bool,
) -> str:
    """Return the file; ``flags`` are the context and the namespace, as options.

    ``limits`` are the CPU limits of a pod's containers, and ``counters`` says whether the kernel's
    counters may be read inside pods.
    """
    told = ", ".join(f"{name} {limit or 'none'}" for name, limit in limits.items())
    own = ("twofold-kubernetes",)
    lines = [
        f"# Measures {workload}, which has {replicas} replicas now. Its number is put back.",
        f"# CPU limit of a pod: {told}. Without a limit, pods on one node compete for its cores.",
        "",
        "[tool.twofold]",
        f"url = {_text(url or NO_URL)}"
        + ("" if url else "  # missing: write here where the generator reaches the service"),
        "replicas = [1, 2, 4]",
        "",
        "[tool.twofold.external]",
        "# No shell reads these commands.",
        f"scale = {_list((*own, 'scale', workload, *flags, '--replicas={replicas}'))}",
        f"#   which refuses while an autoscaler owns it, and then: {' '.join(scale)}",
        f"ready = {_list((*own, 'ready', workload, *flags))}",
        f"replicas = {_list((*own, 'replicas', workload, *flags))}",
        ("" if counters else "# Reading counters inside pods (pods/exec) is not permitted:\n# ")
        + f"counters = {_list((*own, 'counters', workload, *flags))}",
        "# Let each pod name itself in its answers, so that equal shares can be checked:",
        '# header = "X-Served-By"',
        "ready-limit-s = 300",
        "",
        "[tool.twofold.workloads.requests]",
        'requests = ["GET /"]',
        "",
    ]
    return "\n".join(lines)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _list(words: Sequence[str]) -> str:
    return "[" + ", ".join(map(_text, words)) + "]"
