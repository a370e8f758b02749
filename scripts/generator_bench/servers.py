"""The servers of the benchmark: nginx with a static answer, and the stubs."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtests.tools import nginx
from scripts.generator_bench.child import PROJECT, pinned

START_LIMIT_S = 10.0

PR_SET_PDEATHSIG = 1
"""Linux's prctl(2): the signal that a process gets when its parent ends, however that ends."""

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{ worker_connections 2048; }}
http {{
    access_log off; keepalive_requests 1000000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            add_header X-Upstream-Addr 10.0.0.1:8000;
            default_type text/plain; return 200 "hello, world\\n";
        }}
        location /login {{
            add_header X-Upstream-Addr 10.0.0.1:8000;
            add_header Set-Cookie "session=a7f3c9e1d5b28460; Path=/; HttpOnly";
            default_type application/json; return 200 '{{"user": "ada"}}';
        }}
        location ~ ^/(item|cart)$ {{
            add_header X-Upstream-Addr 10.0.0.1:8000;
            default_type application/json;
            return 200 '{{"id": 7, "name": "shoes", "price": 49.9, "sizes": [38, 39, 40]}}';
        }}
    }}
}}
"""


@contextmanager
def static_nginx(core: int | None) -> Iterator[str]:
    """Run nginx, one process on ``core``; yields the URL of its static answer."""
    program = nginx.find_program()
    if program is None:
        raise SystemExit(nginx.MISSING)
    port = free_port()
    with TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=port))
        with running(
            (*pinned(core), program, "-p", folder, "-e", "stderr", "-c", str(config)), port
        ) as (url, _):
            yield url


@contextmanager
def stub(kind: str, core: int | None) -> Iterator[tuple[str, int]]:
    """Run the stub ``kind`` of ``stubs``; yields its URL and process."""
    port = free_port()
    module = "scripts.generator_bench.stubs"
    with running(
        (*pinned(core), sys.executable, "-m", module, kind, str(port)), port
    ) as running_stub:
        yield running_stub


@contextmanager
def running(command: tuple[str, ...], port: int) -> Iterator[tuple[str, int]]:
    """Run a server until the block ends; yield its URL and process id once it answers."""
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        preexec_fn=end_with_parent,  # noqa: PLW1509  it takes no lock; the benchmark may be killed
    )
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.kill()
        process.wait()


def end_with_parent() -> None:
    """Let the kernel end this process when the benchmark ends; no other system than Linux does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server listens at ``port``."""
    limit = time.monotonic() + START_LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > limit or process.poll() is not None:
                raise
            time.sleep(0.02)
        else:
            return


def free_port() -> int:
    """Return a port of this machine at which no program listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
