"""Redis, Valkey and KeyDB: what their client is asked, and what its answers say.

The fields are those of Redis' documentation, *CLIENT LIST* and *INFO*. A client that waits for an
entry of a list (``BLPOP``) is idle, so nobody is counted as one who waits for a lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from loadtests.model.tested.shared import StoreSessions
from loadtests.tools.stores import StoreProgram
from loadtests.tools.stores.clients import by_replica

NAME = "Redis"

SERVER = re.compile(r"(\S*/)?(redis|valkey|keydb)-server( |$)")

SCRIPT = """
client=$(command -v redis-cli || command -v valkey-cli || command -v keydb-cli) ||
    client="echo 'the image has no redis-cli'; false"
secret=${REDIS_PASSWORD:-${VALKEY_PASSWORD:-}}
file=${REDIS_PASSWORD_FILE:-${VALKEY_PASSWORD_FILE:-}}
if [ -z "$secret" ] && [ -n "$file" ]; then secret=$(cat "$file"); fi
if [ -n "$secret" ]; then export REDISCLI_AUTH="$secret"; fi
ask() {
    echo "$1" | tr ';' '\\n' | eval "$client"
}
"""
"""The variables are Bitnami's; the official images have none."""

QUESTION = "CLIENT LIST;INFO clients;INFO stats;CONFIG GET maxclients"

REFUSAL = re.compile(r"\(?(error\)? )?(NOAUTH|NOPERM|WRONGPASS|Could not connect|ERR max number)")
"""An answer that says why there is none: the client's exit code is 0 all the same."""

_FIELD = re.compile(r"(\w+)=(\S*)")

OUR_OWN = frozenset({"client", "client|list"})
"""The last command of the client that asks."""


def is_server(commands: Iterable[str]) -> bool:
    """Return whether these processes are a server's, by their command lines."""
    return any(SERVER.match(command.strip()) is not None for command in commands)


def parse(member: str, answer: str, addresses: Mapping[str, str]) -> StoreSessions:
    """Return the clients in an answer to ``QUESTION``; raise ``ValueError`` if it was refused.

    ``addresses`` has the name of the replica at each IP address.
    """
    lines = [line.strip() for line in answer.splitlines()]
    refusal = next((line for line in lines if REFUSAL.match(line)), None)
    if refusal is not None:
        raise ValueError(refusal)
    clients = [dict(_FIELD.findall(line)) for line in lines if line.startswith("id=")]
    others = [client for client in clients if client.get("cmd") not in OUR_OWN]
    hosts = [client.get("addr", "").rpartition(":")[0] for client in others]
    named, elsewhere = by_replica(hosts, addresses)
    most = next(
        (after for before, after in pairwise(lines) if before == "maxclients"),
        "",
    )
    numbers = dict(line.partition(":")[::2] for line in lines if ":" in line)
    refused = numbers.get("rejected_connections", "")
    return StoreSessions(
        member=member,
        program=NAME,
        connections=len(others),
        active=0,
        waiting=0,
        by_replica=named,
        elsewhere=elsewhere,
        most=int(most) if most.isdigit() else None,
        refused=int(refused) if refused.isdigit() else None,
        has_locks=False,
    )


STORE = StoreProgram(name=NAME, is_server=is_server, script=SCRIPT, question=QUESTION, parse=parse)
