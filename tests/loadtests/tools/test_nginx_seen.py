"""What the configuration of somebody's own nginx says of how it passes requests on."""

from __future__ import annotations

import pytest

from loadtests.model.tested.front import Front
from loadtests.tools import nginx

PLAIN = """
http {
    server {
        listen 80;
        # resolver 10.0.0.1;
        location / {
            proxy_pass http://web:5000;
        }
    }
}
"""
POOL = """
upstream app {
    ip_hash;
    server web:5000;
    server web-2:5000 max_fails=3 fail_timeout=30s;
}
server {
    location / {
        proxy_pass http://app;
    }
}
"""
DYNAMIC = """
resolver 127.0.0.11 valid=5s ipv6=off;
set $target web;
proxy_pass http://$target:5000;
"""


def seen(config: str) -> Front:
    return nginx.seen_of("nginx", config, ("web", "shop-web"))


def test_a_name_in_proxy_pass_is_looked_up_once() -> None:
    front = seen(PLAIN)

    assert (front.known, front.looked_up, front.looks_again_s) == (True, "web", None)
    assert (front.by_address, front.sets_aside_s) == (None, 10.0)


def test_an_upstream_with_ip_hash_balances_by_address() -> None:
    front = seen(POOL)

    assert (front.by_address, front.looked_up, front.sets_aside_s) == ("ip_hash", "web", 30.0)


def test_a_name_in_a_variable_is_looked_up_again() -> None:
    front = seen(DYNAMIC)

    assert (front.looked_up, front.looks_again_s) == (None, 5.0)


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        (DYNAMIC.replace(" valid=5s", ""), 600.0),
        (DYNAMIC.replace("valid=5s", "valid=2m"), 120.0),
        (DYNAMIC.replace("resolver", "# resolver"), None),
    ],
)
def test_how_often_is_what_the_resolver_says(config: str, seconds: float | None) -> None:
    assert seen(config).looks_again_s == seconds


def test_where_no_failure_counts_nobody_is_put_aside() -> None:
    assert seen(POOL.replace("web:5000;", "web:5000 max_fails=0;")).sets_aside_s == 30.0
    assert seen("upstream a {\n server web:5000 max_fails=0;\n}").sets_aside_s is None


def test_a_hash_of_the_address_is_balancing_by_address() -> None:
    front = seen(POOL.replace("ip_hash", "hash $remote_addr  consistent"))

    assert front.by_address == "hash $remote_addr consistent"


@pytest.mark.parametrize(
    ("config", "cores", "connections"),
    [
        ("events {}", 4, 512),
        ("events { worker_connections 1024; }", 4, 1024),
        ("worker_processes 3;\nevents {\n    worker_connections 100;\n}", 4, 300),
        ("worker_processes auto;\nevents { use epoll; worker_connections 100; }", 4, 400),
        ("worker_processes auto;\nevents {}", None, None),
        ("# worker_processes auto;\nevents { # worker_connections 9;\n}", 4, 512),
        (
            "# configuration file /etc/nginx/nginx.conf:\ninclude /etc/nginx/events.conf;\n"
            "# configuration file /etc/nginx/events.conf:\nevents { worker_connections 64; }\n",
            4,
            64,
        ),
    ],
)
def test_the_connections_are_those_of_all_processes(
    config: str, cores: int | None, connections: int | None
) -> None:
    assert nginx.seen_of("nginx", config, ("web",), cores=cores).connections == connections


@pytest.mark.parametrize("processes", ["auto", "3"])
def test_the_processes_that_run_count_before_those_of_the_configuration(processes: str) -> None:
    config = f"worker_processes {processes};\nevents {{ worker_connections 100; }}"

    assert nginx.seen_of("nginx", config, ("web",), cores=4, running=1).connections == 100


def test_a_worker_that_ends_is_counted_no_more() -> None:
    commands = [
        "nginx: master process nginx -g daemon off;",
        "nginx: worker process",
        "nginx: worker process is shutting down",
        "nginx: cache manager process",
    ]

    assert nginx.workers_among(commands) == 1
