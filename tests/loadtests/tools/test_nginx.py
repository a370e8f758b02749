import pytest
from jinja2 import UndefinedError

from loadtests.model.errors import ProcessFailure
from loadtests.model.plan import IdleConnections
from loadtests.tools import nginx
from loadtests.tools.nginx import ServerBlock
from tests.checkout import CHECKOUT

TEMPLATE = (CHECKOUT / "compose/nginx.conf.j2").read_text()


def make_config(*servers: ServerBlock, **settings: object) -> str:
    options = {"status_port": 8999, "folder": "/tmp/nginx"} | settings
    return nginx.render(TEMPLATE, servers, **options)  # type: ignore[arg-type]


def lines_of(config: str) -> list[str]:
    return [line.strip() for line in config.splitlines()]


def test_each_block_passes_to_exactly_its_members() -> None:
    config = make_config(
        ServerBlock(port=9001, members=("10.0.0.1:8000",)),
        ServerBlock(port=9002, members=("10.0.0.1:8000", "10.0.0.2:8000")),
    )

    start = config.index("    upstream replicas_9001")
    assert config[start:] == CELLS


CELLS = """\
    upstream replicas_9001 {
        server 10.0.0.1:8000 max_fails=0;
        keepalive 1024;
        keepalive_requests 1000000000;
        keepalive_timeout 200ms;
    }
    server {
        listen 0.0.0.0:9001;
        location / { proxy_pass http://replicas_9001; }
    }

    upstream replicas_9002 {
        server 10.0.0.1:8000 max_fails=0;
        server 10.0.0.2:8000 max_fails=0;
        keepalive 1024;
        keepalive_requests 1000000000;
        keepalive_timeout 200ms;
    }
    server {
        listen 0.0.0.0:9002;
        location / { proxy_pass http://replicas_9002; }
    }
}
"""


def test_a_server_that_closes_early_is_closed_earlier() -> None:
    idle = IdleConnections(most=1024, timeout_s=0.1)
    config = make_config(ServerBlock(port=9001, members=("10.0.0.1:8000",), idle=idle))

    usual = make_config(ServerBlock(port=9001, members=("10.0.0.1:8000",)))
    assert config == usual.replace("keepalive_timeout 200ms", "keepalive_timeout 100ms")


def test_a_server_with_few_connections_gets_a_new_one_for_each_request() -> None:
    none = IdleConnections(most=0, timeout_s=0)
    config = make_config(
        ServerBlock(port=9001, members=("10.0.0.1:8000",)),
        ServerBlock(port=9002, members=("10.0.0.2:8000",), idle=none),
    )

    assert config[config.index("    upstream replicas_9001") :].count("keepalive_timeout") == 1
    assert (
        "    upstream replicas_9002 {\n        server 10.0.0.2:8000 max_fails=0;\n    }" in config
    )
    lines = lines_of(config)
    start = lines.index("map $server_port $replica_connection {")
    assert lines[start + 1 : start + 4] == ['default "";', "9002 close;", "}"]
    assert "proxy_set_header Connection $replica_connection;" in lines
    assert 'proxy_set_header Connection "";' not in lines


def test_a_replica_is_never_taken_out_and_a_request_never_tried_twice() -> None:
    config = make_config(ServerBlock(port=9001, members=("10.0.0.1:8000", "10.0.0.2:8000")))

    servers = [line for line in lines_of(config) if line.startswith("server 10.")]
    assert servers
    assert all(line.endswith("max_fails=0;") for line in servers)
    assert "proxy_next_upstream off;" in lines_of(config)


def test_everything_it_writes_is_below_the_given_folder() -> None:
    config = make_config(folder="/somewhere/own")

    paths = [line for line in lines_of(config) if line.startswith(("pid ", "client_body_temp"))]
    paths += [line for line in lines_of(config) if "_temp_path" in line]
    assert len(paths) == 7
    assert all(' "/somewhere/own/' in line for line in paths)


def test_a_block_without_members_is_refused() -> None:
    with pytest.raises(ValueError, match="port 9001 has no replicas"):
        make_config(ServerBlock(port=9001, members=()))


def test_a_template_that_asks_for_what_is_not_given_is_refused() -> None:
    with pytest.raises(UndefinedError):
        nginx.render("{{ unheard_of }}", (), status_port=1, folder="/tmp")


def test_the_version_is_read_from_what_nginx_writes() -> None:
    assert nginx.parse_version("nginx version: nginx/1.26.3 (Debian)\n") == "1.26.3"


def test_a_program_that_is_no_nginx_has_no_version() -> None:
    with pytest.raises(ProcessFailure, match="names no version"):
        nginx.parse_version("busybox")


def test_the_status_page_gives_its_counters() -> None:
    page = (
        "Active connections: 291 \nserver accepts handled requests\n"
        " 16630948 16630947 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n"
    )

    assert nginx.parse_status(page) == nginx.Status(
        active=291, accepted=16630948, handled=16630947, requests=31070465
    )


@pytest.mark.parametrize("page", ["", "Active connections: 1", "<html>404 1 2 3 4 5 6 7</html>"])
def test_another_page_is_no_status(page: str) -> None:
    with pytest.raises(ProcessFailure, match="is not that of nginx's stub_status"):
        nginx.parse_status(page)
