"""The CPU speed probe: measures how fast each core is during a window.

On a shared machine, the speed of a core changes by tens of per cent within seconds (other guests of
the host, clock frequency), and throughput changes with it. The probe repeats a fixed piece of work
on the measured core, so that throughput can be corrected for the core's speed.

Half of the work is hashing in the first-level cache. The other half reads memory outside the core's
own caches, because neighbours also take third-level cache and memory bandwidth, which hashing alone
does not notice. How much of either requests feel differs by machine and hour, so both are counted
apart. The memory is larger than the second-level cache and is read in turn, so it is about as cold
beside one replica as beside four.

The first piece of a burst is not counted. It begins with the caches as others on the core left
them, and they are colder beside four replicas than beside one.

One hash object is fed again and again. Making a new one for each block would mostly measure object
creation, whose speed does not follow that of requests.

It shares only the core with the system under test. One process per core works 1 ms in every 10 ms.
Each line on standard input is answered with one line of JSON: for each core, the pieces of work
done, and the CPU-seconds of their hashing and of their reading, all since the start.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import mmap
import os
import signal
import struct
import sys
import time

from loadtests.generator.clock import now_s

BURST_S = 0.001
PAUSE_S = 0.009
"""Together a tenth of the core; short, frequent bursts meet the same disturbances as requests."""

FEWEST_PIECES = 2
"""In a burst: the first one does not count."""

BLOCK = bytes(64)
"""One block of SHA-256."""

HASHES = 300
"""Hashed blocks per piece of work: 20 µs with the processor's SHA instructions, 150 µs without."""

MEMORY_BYTES = 8 << 20
"""Several times the size of a core's second-level cache."""

LINE_BYTES, PAGE_BYTES = 64, 4096
STRIDE_BYTES = PAGE_BYTES + LINE_BYTES
"""Distance of two reads: the next one is in another page, which the core does not prefetch."""

COUNTS = struct.Struct("ddd")
"""One core's pieces of work, and the CPU time of both halves in seconds."""


def beat(core: int, place: memoryview, parent: int) -> None:
    """Work in bursts on one core until the parent has ended; store the totals in ``place``."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    work, hashing_s, reading_s, digest = 0, 0.0, 0.0, hashlib.sha256()
    memory = memoryview(bytearray(b"\1" * MEMORY_BYTES))
    starts = itertools.cycle(range(0, STRIDE_BYTES, LINE_BYTES))
    while os.getppid() == parent:
        begun_s = now = time.thread_time()
        pieces = 0
        while now - begun_s < BURST_S or pieces < FEWEST_PIECES:
            before = now
            for _ in range(HASHES):
                digest.update(BLOCK)
            hashed = time.thread_time()
            memory[next(starts) :: STRIDE_BYTES].tobytes()  # a line of every page: 20 to 130 µs
            now = time.thread_time()
            if pieces:
                work += 1
                hashing_s += hashed - before
                reading_s += now - hashed
            pieces += 1
        COUNTS.pack_into(place, 0, work, hashing_s, reading_s)
        time.sleep(PAUSE_S)


def main(cores: list[int]) -> None:
    """Start one process per core, and answer every line of standard input with their totals."""
    shared = memoryview(mmap.mmap(-1, COUNTS.size * len(cores)))
    places = {core: shared[COUNTS.size * n : COUNTS.size * (n + 1)] for n, core in enumerate(cores)}
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
            totals = {str(core): COUNTS.unpack_from(place) for core, place in places.items()}
            print(json.dumps({"at_s": now_s(), "cores": totals}), flush=True)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main([int(core) for core in sys.argv[1].split(",")])
