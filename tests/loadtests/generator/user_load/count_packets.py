"""Counts the packets that loads send to other addresses than the target's.

It runs in network and mount namespaces of its own: ``unshare --net --mount python -m …``. The
target is on the loopback device. Every other address, and the only name server, is behind a device
that leads nowhere and counts. It prints one line of JSON.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.loadtests.generator.child import Child
from tests.loadtests.generator.small_app import SmallApp
from tests.loadtests.generator.stub_server import stub_server
from tests.loadtests.generator.user_load.case import HEAD, Case
from tests.loadtests.generator.user_load.planted import Planted
from tests.loadtests.generator.user_load.test_cases import CASES
from tests.loadtests.generator.user_load.test_other_addresses import WAYS
from tests.loadtests.generator.user_load.test_planted_mistakes import FILES

DEVICE = "outside"
NAME_SERVER = "198.51.100.53"
PRODUCTION = ("http://production.example.com", "http://203.0.113.9:80", "https://203.0.113.9:443")
"""A name and an address that nobody has (RFC 2606, RFC 5737)."""

NAMES_OTHERS = re.compile(r"example\.com|/away")
"""Files that name another host, or ask what redirects to one."""

NO_NAMESPACE = 77
"""Exit code where such a network cannot be made here."""


def main() -> int:
    """Make the network, run all loads in it, and print what was counted."""
    try:
        make_network()
    except (OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return NO_NAMESPACE
    before = packets()
    loads, asked = run_all()
    others = packets() - before
    tell_nobody()
    print(
        json.dumps(
            {
                "loads": loads,
                "at_target": asked,
                "others": others,
                "control": packets() - before - others,
            }
        )
    )
    return 0


def make_network() -> None:
    """Make the device, with a route to everything, and name its name server."""
    ip("link", "set", "lo", "up")
    ip("link", "add", DEVICE, "type", "veth", "peer", "name", "nowhere")
    for end in (DEVICE, "nowhere"):  # without packets of their own: addresses, neighbours
        ip("link", "set", end, "addrgenmode", "none")
        ip("link", "set", end, "arp", "off")
        ip("link", "set", end, "up")
    ip("address", "add", "198.51.100.1/24", "dev", DEVICE)
    ip("route", "add", "default", "dev", DEVICE)
    resolver = Path(tempfile.mkdtemp()) / "resolv.conf"
    resolver.write_text(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n")
    run("mount", "--bind", str(resolver), str(Path("/etc/resolv.conf").resolve()))


def ip(*words: str) -> None:
    run("ip", *words)


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def packets() -> int:
    """Return how many packets the device has sent."""
    line = re.search(rf"{DEVICE}: *(.*)", Path("/proc/net/dev").read_text())
    assert line is not None
    return int(line[1].split()[9])


def tell_nobody() -> None:
    """Send one packet to nobody, to see that it is counted."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        outside.sendto(b"control", ("203.0.113.9", 9))


def run_all() -> tuple[int, int]:
    """Try each load, and run a trial of it; return the loads and the requests at the target."""
    loads, asked = 0, 0
    app = SmallApp()
    with Child() as child, stub_server(app.answering) as (url, requests):
        assert child.process.stderr is not None
        # Tracebacks of on_start that fails fill the pipe.
        threading.Thread(target=child.process.stderr.read, daemon=True).start()
        for text, siblings, options in texts():
            with tempfile.TemporaryDirectory() as folder:
                for name, content in siblings.items():
                    (Path(folder) / name).write_text(content)
                path = Path(folder) / "locustfile.py"
                path.write_text(text)
                load = {"path": str(path), **options}
                child.ask(op="check", id="c", base_url=url, locustfile=load)
                child.trial(base_url=url, locustfile=load, users=2, window_s=0.2)
                loads += 1
        asked = len(requests)
    return loads, asked


def texts() -> Iterator[tuple[str, dict[str, str], dict[str, Any]]]:
    """Yield the files that name another host, with their siblings and options."""
    loads: list[Case | Planted] = [*CASES.values(), *FILES.values()]
    for load in loads:
        if NAMES_OTHERS.search(load.file):
            yield load.file, dict(load.siblings), dict(load.options)
    for other in PRODUCTION:
        for way in WAYS:
            ask = way.format(other=other, port=other.rpartition(":")[2])
            yield f"{HEAD}class Shop(HttpUser):\n @task\n def away(self): {ask}", {}, {}
        for base in ("HttpUser", "FastHttpUser"):
            yield (
                f"{HEAD}class Shop({base}):\n host = '{other}'\n"
                " @task\n def index(self): self.client.get('/')\n"
                f" @task\n def away(self): self.client.get('{other}/x')",
                {},
                {},
            )


if __name__ == "__main__":
    sys.exit(main())
