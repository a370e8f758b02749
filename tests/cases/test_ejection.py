"""What a real nginx writes when it puts a server aside, as it is counted."""

from __future__ import annotations

import http.server
import shutil
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from loadtests.environments.compose import front
from loadtests.tools import nginx, proc

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parallel,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx on PATH"),
]

CONFIG = """\
pid FOLDER/nginx.pid;
error_log stderr warn;
events {}
http {
    access_log off;
    client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
    upstream app { server 127.0.0.1:GOOD; server 127.0.0.1:BAD; }
    server { listen 127.0.0.1:PORT; location / { proxy_pass http://app; } }
}
"""


class Good(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def resetting() -> Iterator[int]:
    """Serve connections by a reset each; give the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.recv(100)
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    yield int(listener.getsockname()[1])
    listener.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_nginx_says_in_its_log_that_it_put_a_server_aside_and_that_is_counted(
    tmp_path: Path,
) -> None:
    good = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Good)
    threading.Thread(target=good.serve_forever, daemon=True).start()
    port, log = free_port(), tmp_path / "nginx.log"
    with resetting() as bad:
        config = CONFIG.replace("FOLDER", str(tmp_path)).replace("PORT", str(port))
        config = config.replace("GOOD", str(good.server_address[1])).replace("BAD", str(bad))
        file = tmp_path / "nginx.conf"
        file.write_text(config)
        program = shutil.which("nginx") or "nginx"
        argv = nginx.serve_argv(program, config=str(file), prefix=str(tmp_path))
        with proc.Service(argv, log=log, cwd=tmp_path):
            answers = [ask(port) for _ in range(10)]
    good.shutdown()
    good.server_close()

    assert answers == [200] * 10  # the request that met the reset was tried at the other server
    assert front.failures_in(log.read_text()) == 1
    seen = nginx.seen_of("nginx", config, ("web",))
    assert seen.sets_aside_s == 10.0


def ask(port: int) -> int:
    def answers() -> bool:
        with suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            return True
        return False

    proc.wait_until(answers, limit_s=10, failure="nginx does not answer")
    return 200
