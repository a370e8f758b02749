"""What the backend ``processes`` needs: programs, modules, budgets and ports. PURE."""

from __future__ import annotations

from loadtests.model.machine_facts import ProcessesFacts
from loadtests.planning.checks import Check, lack, ok, warn
from loadtests.servers import registry
from loadtests.servers.interpreter import FREE_THREADED


def judge(facts: ProcessesFacts) -> tuple[Check, ...]:
    """Judge what a stack of processes finds here."""
    return (
        _nginx(facts),
        _postgres(facts),
        _modules(facts),
        _servers(facts),
        _pythons(facts),
        _budgets(facts),
        _ports(facts),
    )


def _nginx(facts: ProcessesFacts) -> Check:
    nginx = facts.nginx
    if nginx is None:
        return lack(
            "nginx",
            "no nginx on this machine, nor in this Python environment",
            "`apt install nginx-light`, `brew install nginx`, or `pip install 'twofold[nginx]'`."
            " Compose needs none: its image has one.",
        )
    if not nginx.counts:
        return warn(
            "nginx",
            f"nginx {nginx.version} at {nginx.path}, built without stub_status: its own count"
            " of requests cannot be checked",
            "Install the system's nginx (`apt install nginx-light`, `brew install nginx`).",
        )
    return ok("nginx", f"nginx {nginx.version} at {nginx.path}")


def _postgres(facts: ProcessesFacts) -> Check:
    """It is only a warning: most workloads need none, and Compose brings its own."""
    database = facts.postgres
    if database is None:
        return warn(
            "postgresql",
            "no PostgreSQL on this machine: no --workload db or mixed, nor --probe, with the"
            " processes backend",
            "`apt install postgresql`, `brew install postgresql`. Compose needs none.",
        )
    if database.trouble is not None:
        return warn(
            "postgresql",
            f"PostgreSQL {database.version} at {database.path} cannot be used",
            database.trouble,
        )
    return ok("postgresql", f"PostgreSQL {database.version} at {database.path}")


def _modules(facts: ProcessesFacts) -> Check:
    if facts.missing_modules:
        return lack(
            "modules",
            f"this Python has no {', '.join(facts.missing_modules)}",
            "The replicas of the processes backend run in this environment: `make set-up` in a"
            " checkout, or `pip install 'gunicorn[gevent]' flask 'psycopg[binary,pool]'`.",
        )
    return ok("modules", f"gunicorn, Flask and gevent for Python {facts.machine.python}")


def _servers(facts: ProcessesFacts) -> Check:
    """They are only needed for their own worker models."""
    names = [name for name, server in registry.SERVERS.items() if server.worker_models]
    here = ", ".join(name for name in names if name not in facts.lacking_servers)
    if not facts.lacking_servers:
        return ok("servers", f"all: {here}")
    ways = "; ".join(
        f"{name}: `pip install {words}`" for name, words in facts.lacking_servers.items()
    )
    return ok("servers", f"{here or 'none'}; others can be installed ({ways})")


def _pythons(facts: ProcessesFacts) -> Check:
    found = ", ".join(facts.pythons) or f"only this one, {facts.machine.python}"
    if not any(FREE_THREADED in python for python in facts.pythons):
        found += "; no free-threaded build is on PATH"
    return ok("pythons", found)


def _budgets(facts: ProcessesFacts) -> Check:
    if facts.machine.can_budget:
        return ok("budgets", facts.budgets)
    return warn(
        "budgets",
        f"processes cannot be held to a CPU budget: {facts.budgets}",
        "Use Compose; or run as root, or in a systemd user session with cgroup v2;"
        " or measure --workload io.",
    )


def _ports(facts: ProcessesFacts) -> Check:
    if facts.taken_ports:
        ports = ", ".join(str(port) for port in facts.taken_ports)
        return lack(
            "ports",
            f"taken, on all addresses: {ports}",
            f"Find who listens with `ss -ltnp 'sport = :{facts.taken_ports[0]}'` and end it."
            " Compose needs no port of this machine.",
        )
    return ok("ports", "those that the proxy needs are free")
