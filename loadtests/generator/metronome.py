"""A metronome for cores: how fast is each, right now?

On a shared machine the speed of a core changes by tens of per cent from one second to the next
(other guests of the host, clock frequency), and every window is bent by it. A fixed little piece of
work, done again and again on the core that is being measured, tells that speed at the very time of
the window: measured on such a machine, windows whose throughput varied by 15 % agreed to 2 % after
what the metronome explains.

The work lies in the first-level cache and shares nothing with the system under test but the core.
One process a core does 1 ms of it every 10 ms. A line on standard input is answered with one line
of JSON: for each core, the work done and the CPU-seconds that it took, both since the start.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import signal
import struct
import sys
import time

BURST_S = 0.001
PAUSE_S = 0.009
"""A tenth of the core: bursts that are short and dense meet the disturbances that requests meet."""

HASHES = 20
"""Hashes between two looks at the clock: some 10 µs, so a burst ends within 1 % of its time."""

PAIR = struct.Struct("dd")
"""One core's work (hashes) and CPU time (seconds)."""


def beat(core: int, place: memoryview, parent: int) -> None:
    """Work in bursts on one core until the parent is gone; keep count in ``place``."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    work, used_s, block = 0, 0.0, b"twofold" * 8
    while os.getppid() == parent:
        begun_s = time.thread_time()
        elapsed_s = 0.0
        while elapsed_s < BURST_S:
            for _ in range(HASHES):
                block = hashlib.sha256(block).digest()
            work += HASHES
            elapsed_s = time.thread_time() - begun_s
        used_s += elapsed_s
        PAIR.pack_into(place, 0, work, used_s)
        time.sleep(PAUSE_S)


def main(cores: list[int]) -> None:
    """Start a process for each core, and answer every line with what they have done."""
    shared = memoryview(mmap.mmap(-1, PAIR.size * len(cores)))
    places = {core: shared[PAIR.size * n : PAIR.size * (n + 1)] for n, core in enumerate(cores)}
    parent = os.getpid()
    children = []
    for core, place in places.items():
        child = os.fork()
        if child == 0:
            beat(core, place, parent)
            os._exit(0)
        children.append(child)
    try:
        for _ in sys.stdin:
            told = {str(core): PAIR.unpack_from(place) for core, place in places.items()}
            print(json.dumps({"at_s": time.time(), "cores": told}), flush=True)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main([int(core) for core in sys.argv[1].split(",")])
