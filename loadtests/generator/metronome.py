"""A metronome for cores: how fast is each, right now?

On a shared machine the speed of a core changes by tens of per cent from one second to the next
(other guests of the host, clock frequency), and every window is bent by it. A fixed little piece of
work, done again and again on the core that is being measured, tells that speed at the very time of
the window: measured on such a machine, windows whose throughput varied by 15 % agreed to 2 % after
what the metronome explains.

Half of it computes in the first-level cache, half goes through memory that lies in no cache of the
core's own: neighbours also take away third-level cache and memory bandwidth, for a minute or for
seconds, and a core that hashes alone does not feel it. Measured over such a minute (21 windows for
each worker model): the hashing left 3.5, 5.2 and 3.2 % of gevent's, gthread's and sync's throughput
unexplained, with a fifth of memory 1.8, 3.9 and 2.1 %. On another kind of processor (58 windows of
short requests, SD 6.9 %) a quarter left some 6 %, a half 4.1 %, memory alone 3.2 %; where requests
hash, all of these leave the same. The memory is larger than the second-level cache and is gone
through in turn, so that it is about as cold beside one replica as beside four: what that costs the
factor is 0.6 to 2 %, with a quarter of memory as with a half.

One hash is fed again and again: a new one for each block would mostly make objects. Where the two
virtual cores are threads of one core at times, that has a speed of its own, and so has an empty
loop (0.98 alike): fast just when requests are slow. Measured there, in windows of a replica by
their CPU time for a request (84, SD 6.6 %): correlation −0.73 with new hashes, 0.84 with one hash
fed, 0.79 with the memory; half and half leaves 3.4 %.

It shares nothing with the system under test but the core. One process a core does 1 ms of it every
10 ms. A line on standard input is answered with one line
of JSON: for each core, the work done and the CPU-seconds that it took, both since the start.
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

BURST_S = 0.001
PAUSE_S = 0.009
"""A tenth of the core: bursts that are short and dense meet the disturbances that requests meet."""

BLOCK = bytes(64)
"""One block of SHA-256."""

HASHES = 300
"""In a piece of work: 20 to 150 µs, with and without the processor's own instructions for it."""

MEMORY_BYTES = 8 << 20
"""Some times what a core's second-level cache holds."""

LINE_BYTES, PAGE_BYTES = 64, 4096
STRIDE_BYTES = PAGE_BYTES + LINE_BYTES
"""From one line to the next: in another page, where the core does not fetch ahead."""

PAIR = struct.Struct("dd")
"""One core's work (pieces) and CPU time (seconds)."""


def beat(core: int, place: memoryview, parent: int) -> None:
    """Work in bursts on one core until the parent is gone; keep count in ``place``."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    work, used_s, digest = 0, 0.0, hashlib.sha256()
    memory = memoryview(bytearray(b"\1" * MEMORY_BYTES))
    starts = itertools.cycle(range(0, STRIDE_BYTES, LINE_BYTES))
    while os.getppid() == parent:
        begun_s = time.thread_time()
        elapsed_s = 0.0
        while elapsed_s < BURST_S:
            for _ in range(HASHES):
                digest.update(BLOCK)
            memory[next(starts) :: STRIDE_BYTES].tobytes()  # a line of every page: 20 to 130 µs
            work += 1
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
            totals = {str(core): PAIR.unpack_from(place) for core, place in places.items()}
            print(json.dumps({"at_s": time.time(), "cores": totals}), flush=True)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main([int(core) for core in sys.argv[1].split(",")])
