"""The hooks of a deployment that only read: ``printed.py replicas|counters FOLDER``.

They run at the edges of windows, on the load generator's core. So this program stands alone: it
starts in a tenth of the time that the package takes to import.
"""

from __future__ import annotations

import json
import sys
import time

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def text_of(path: str) -> str:
    """Return the text of a file."""
    with open(path) as file:  # noqa: PTH123  pathlib would have to be imported
        return file.read()


def lives(member: dict[str, Any]) -> bool:
    """Return whether a replica's process is the one that was started (proc(5), field 22)."""
    try:
        fields = text_of(f"/proc/{member['pid']}/stat").rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] != "Z" and fields[19] == member["started"]


def replicas_of(state: dict[str, Any]) -> str:
    """Return a line for each replica: how nginx names it, and its container."""
    living = (member for member in state["members"] if lives(member))
    return "".join(f"{member['address']}\t{member['container'][:12]}\n" for member in living)


def counters_of(state: dict[str, Any]) -> str:
    """Return a line for each replica: its CPU-seconds, those throttled, limit and moment."""
    lines = []
    for member in state["members"]:
        if not lives(member):
            continue
        try:
            cpu_s, throttled_s = used(member)
        except OSError:  # it has just ended
            continue
        limit = f"limit={state['order']['cpus']:g} at={time.time():.6f}"
        lines.append(f"{member['address']} {cpu_s:.6f} {throttled_s:.6f} {limit}\n")
    return "".join(lines)


def used(member: dict[str, Any]) -> tuple[float, float]:
    """Return a replica's CPU-seconds, and for how long it was throttled.

    ``cpuacct.usage`` and ``cpu.stat`` of version 1 count nanoseconds, ``cpu.stat`` of version 2
    microseconds (the kernel's ``cgroup-v1/cpuacct.rst`` and ``admin-guide/cgroup-v2.rst``).
    """
    pairs = (line.split() for line in text_of(member["stat_file"]).splitlines())
    stat = {name: int(value) for name, value in pairs}
    if member["usage_file"]:
        return int(text_of(member["usage_file"])) / 1e9, stat.get("throttled_time", 0) / 1e9
    return stat["usage_usec"] / 1e6, stat.get("throttled_usec", 0) / 1e6


PRINTED = {"replicas": replicas_of, "counters": counters_of}


def main(hook: str, folder: str) -> int:
    """Print what a hook tells; return 1 where the deployment is gone."""
    try:
        text = text_of(f"{folder}/deployment.json")
    except OSError:
        print(f"There is no deployment in {folder}.", file=sys.stderr)
        return 1
    print(PRINTED[hook](json.loads(text)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
