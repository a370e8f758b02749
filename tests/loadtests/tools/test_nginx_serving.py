"""What a real nginx does with our configuration."""

import http.client
import http.server
import os
import select
import shutil
import signal
import socket
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from loadtests.analysis.failures.causes import is_of_the_proxy
from loadtests.analysis.remedies import PROXY_CONNECTIONS
from loadtests.model.failures import AnswerExample
from loadtests.model.plan import IdleConnections
from loadtests.tools import nginx, proc
from loadtests.tools.nginx import ServerBlock
from tests.loadtests.tools.test_nginx import make_config

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx on PATH")


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    status = 200

    def do_GET(self) -> None:
        self.server.heard.append(self.headers.get("Connection"))  # type: ignore[attr-defined]
        self.send_response(500 if self.path == "/fail" else 200)
        self.send_header("Content-Length", "0")
        if self.path == "/forge":
            self.send_header("x-upstream-ADDR", "10.9.9.9:1")
        self.end_headers()
        self.server.asked += 1  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Nothing: what is asked is counted."""


@contextmanager
def a_replica(host: str) -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer((host, 0), _Answer)
    server.asked = 0  # type: ignore[attr-defined]
    server.heard = []  # type: ignore[attr-defined]
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def a_free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return int(taken.getsockname()[1])


def answers_at(port: int) -> bool:
    with closing(socket.socket()) as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def a_proxy(
    folder: Path, port: int, members: tuple[str, ...], idle: IdleConnections | None = None
) -> Iterator[int]:
    """Run nginx before these members; yield the port of its own answers."""
    config = folder / "nginx.conf"
    block = ServerBlock(port=port, members=members, idle=idle)
    text = make_config(
        block,
        status_port=(status_port := a_free_port()),
        folder=str(folder),
        listen_host="127.0.0.1",
        connections=512,
    )
    config.write_text(text)
    argv = nginx.serve_argv("nginx", config=str(config), prefix=str(folder))
    with proc.Service(argv, log=folder / "nginx.log"):
        proc.wait_until(
            lambda: answers_at(port),
            limit_s=5,
            failure=(folder / "nginx.log").read_text,
        )
        yield status_port


def ask(port: int, paths: list[str]) -> list[tuple[int, str | None]]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        answers = []
        for path in paths:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            answers.append((response.status, response.getheader("X-Upstream-Addr")))
    return answers


@needs_nginx
def test_shares_are_exactly_equal_also_when_every_answer_of_one_fails(tmp_path: Path) -> None:
    port = a_free_port()
    with ExitStack() as stack:
        replicas = [stack.enter_context(a_replica("127.0.0.1")) for _ in range(3)]
        members = tuple(f"127.0.0.1:{replica.server_port}" for replica in replicas)
        stack.enter_context(a_proxy(tmp_path, port, members))

        answers = ask(port, ["/", "/fail", "/"] * 20)

    assert Counter(address for _, address in answers) == dict.fromkeys(members, 20)
    assert sum(status == 500 for status, _ in answers) == 20


@needs_nginx
@pytest.mark.parametrize("name", ["a b", 'say "hi"', "$HOME;{x}", "back\\slash", "don't #1"])
def test_the_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    (folder := tmp_path / name).mkdir()
    with a_proxy(folder, a_free_port(), ("127.0.0.1:9",)):
        assert (folder / "nginx.pid").is_file()


@needs_nginx
def test_an_application_cannot_say_that_another_replica_answered(tmp_path: Path) -> None:
    port = a_free_port()
    with a_replica("127.0.0.1") as replica:
        itself = f"127.0.0.1:{replica.server_port}"
        with a_proxy(tmp_path, port, (itself,)):
            assert ask(port, ["/forge", "/"]) == [(200, itself)] * 2


@needs_nginx
def test_a_dead_replica_is_a_failure_and_keeps_its_share(tmp_path: Path) -> None:
    port, nobody = a_free_port(), f"127.0.0.1:{a_free_port()}"
    with a_replica("127.0.0.1") as replica:
        alive = f"127.0.0.1:{replica.server_port}"
        with a_proxy(tmp_path, port, (alive, nobody)):
            answers = ask(port, ["/"] * 10)

    assert Counter(answers) == {(200, alive): 5, (502, nobody): 5}


@needs_nginx
@pytest.mark.parametrize(
    ("idle", "heard"), [(None, None), (IdleConnections(most=0, timeout_s=0), "close")]
)
def test_only_a_server_with_few_connections_is_told_to_close(
    tmp_path: Path, idle: IdleConnections | None, heard: str | None
) -> None:
    port = a_free_port()
    with a_replica("127.0.0.1") as replica:
        members = (f"127.0.0.1:{replica.server_port}",)
        with a_proxy(tmp_path, port, members, idle):
            answers = ask(port, ["/"] * 5)

    assert [status for status, _ in answers] == [200] * 5
    assert replica.heard == [heard] * 5  # type: ignore[attr-defined]


SMALL = """\
pid FOLDER/nginx.pid;
error_log stderr;
events { worker_connections 20; }
http {
    access_log off;
    client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
    upstream app { server 127.0.0.1:REPLICA; }
    server { listen 127.0.0.1:PORT; location / { proxy_pass http://app; } }
}
"""


@needs_nginx
def test_an_nginx_without_connections_answers_500_by_itself_and_logs_why(tmp_path: Path) -> None:
    """Sixteen users need 32 connections."""
    port, log = a_free_port(), tmp_path / "nginx.log"
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    with ExitStack() as stack:
        replica = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        config = SMALL.replace("FOLDER", str(tmp_path)).replace("PORT", str(port))
        config = config.replace("REPLICA", str(replica.getsockname()[1]))
        file = tmp_path / "nginx.conf"
        file.write_text(config)
        program = shutil.which("nginx") or "nginx"
        argv = nginx.serve_argv(program, config=str(file), prefix=str(tmp_path))
        stack.enter_context(proc.Service(argv, log=log, cwd=tmp_path))
        proc.wait_until(lambda: listens(port), limit_s=10, failure="nginx does not listen")
        users = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for _ in range(16)
        ]
        for user in users:
            user.sendall(head)
        proc.sleep(0.3)  # until nginx waits for the body of each
        for user in users:
            user.sendall(b"ok")
        proc.wait_until(
            lambda: PROXY_CONNECTIONS.words.search(log.read_text()) is not None,
            limit_s=10,
            failure="nginx had connections enough",
        )
        answered, _, _ = select.select(users, [], [], 10)  # the replica itself never answers
        page = answered[0].recv(65536).decode()

    head_of_page, _, body = page.partition("\r\n\r\n")
    example = AnswerExample(name="POST /", outcome="status", status=500, body_start=body)
    assert head_of_page.startswith("HTTP/1.1 500 ")
    assert is_of_the_proxy(example)
    assert nginx.seen_of("nginx", config, ("web",)).connections == 20


def listens(port: int) -> bool:
    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), timeout=1)):
        return True
    return False


@needs_nginx
def test_a_new_worker_closes_the_connections_that_the_old_one_kept(tmp_path: Path) -> None:
    port = a_free_port()
    with socket.create_server(("127.0.0.1", 0)) as replica:
        replica.settimeout(10)
        member = f"127.0.0.1:{replica.getsockname()[1]}"
        idle = IdleConnections(timeout_s=600)
        with a_proxy(tmp_path, port, (member,), idle) as status_port, ThreadPoolExecutor() as pool:
            asked = pool.submit(ask, port, ["/"])
            connection, _ = replica.accept()
            with connection:
                assert connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                assert asked.result(timeout=10) == [(200, member)]
                before = worker_of(status_port)

                os.kill(before, signal.SIGQUIT)

                connection.settimeout(10)
                assert connection.recv(1) == b""
            assert worker_of(status_port) != before


def worker_of(status_port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{status_port}/worker", timeout=10) as answer:
        return int(answer.read())
