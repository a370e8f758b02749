"""How to reach the PostgreSQL that environment variables name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

DEFAULT_PORT = 5432

DEFAULT_FOLDER = "/var/run/postgresql"
"""Where Debian's packages and the official image have the socket of a server without a host."""

URL = re.compile(r"^(postgres(ql)?|postgis|pgsql|psql|timescale(gis)?)(\+\w+)?://\S+$")
"""The schemes of libpq, SQLAlchemy (``postgresql+psycopg``) and django-environ (``postgis``)."""

TEXT = re.compile(r"(?:^|\s)(dbname|host)\s*=.*(?:\s(user|host|dbname)\s*=)|^\s*dbname\s*=")
SCHEME = re.compile(r"[\w.+:-]+://")
"""The beginning of a URL, which is no such text whatever it has in its query."""

WITH_PORT = re.compile(r"(?P<host>[/@].*|[^:]+):(?P<port>[0-9]*)")
"""A host, or a folder that may have colons of its own (``/cloudsql/project:region:db``)."""

WORD = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']*)")
"""A connection's text and its words (libpq, *Connection Strings*): ``host=db dbname=shop``."""

HOST_NAME = re.compile(
    r"^(?P<prefix>(\w+_)?(?P<of>POSTGRES|POSTGRESQL|PG|DB|DATABASE|SQL|RDS)_)(HOST|HOSTNAME|SERVER)$"
)
"""Variables that have the host alone; the rest of the access is in others of the same prefix."""

SURE = frozenset({"POSTGRES", "POSTGRESQL", "PG"})
"""Prefixes that are PostgreSQL's; the others may be those of another store."""

TEXT_NAME = re.compile(r"(^|_)(PG|DB)|POSTG|PSQL|PSYCOPG|DATABASE|DSN|CONN")
"""Variables that may well have a connection's text; a mail server's has a host and a user, too."""

PORT_NAMES = ("PORT",)
USER_NAMES = ("USER", "USERNAME")
PASSWORD_NAMES = ("PASSWORD", "PASS", "PWD")
DATABASE_NAMES = ("DB", "NAME", "DATABASE", "DB_NAME")
KIND_NAMES = ("ENGINE", "TYPE", "DRIVER", "DIALECT", "CONNECTION", "BACKEND", "ADAPTER")

POSTGRES_KIND = re.compile(r"pg|postg")
"""Names of PostgreSQL and of its drivers: asyncpg, pg8000, psycopg, pgsql, postgis."""

OTHER_KIND = re.compile(
    r"mysql|maria|sqlite|mssql|sqlserver|sqlsrv|oracle|mongo|redis|valkey|cassandra|clickhouse"
)
"""Names of other stores, also within those of their drivers."""

OTHER_PORTS = frozenset({"1433", "1521", "3306", "6379", "9042", "27017"})
"""SQL Server's, Oracle's, MySQL's, Redis's, Cassandra's and MongoDB's."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """How to reach a server; its text names the address only.

    ``host`` may be the folder of a local socket, and ``reached`` the same folder as this machine
    sees it. ``is_sure`` says that it is a PostgreSQL's by its name; a ``DB_HOST`` may be another
    store's.
    """

    host: str
    port: int
    user: str
    password: str
    database: str
    is_sure: bool = True
    reached: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the server is reached over a local socket, which may have no file (``@``)."""
        return self.host.startswith(("/", "@"))

    @property
    def socket(self) -> str:
        """The path of a local socket."""
        return f"{self.host.rstrip('/')}/.s.PGSQL.{self.port}"

    def __str__(self) -> str:
        return self.socket if self.is_local else f"{self.host}:{self.port}"

    __repr__ = __str__


def accesses_in(variables: Mapping[str, str]) -> tuple[Access, ...]:
    """Return the accesses to servers that environment variables name, each once.

    A URL or a libpq's text in any variable counts, with each of its hosts, and so do the variables
    of libpq (``PGHOST``) and those that name the parts (``POSTGRES_HOST``, ``DB_HOST``). What
    cannot be read as an access is left out.
    """
    plain = {name: _unquoted(value) for name, value in variables.items()}
    found = [access for name in plain for access in _of_variable(name, plain)]
    return tuple(dict.fromkeys((*found, *_of_libpq(plain), *_of_parts(plain))))


def _unquoted(value: str) -> str:
    """Return a value without the quotes that ``docker run --env-file`` leaves around it."""
    value = value.strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1].strip() if is_quoted else value


def _of_variable(name: str, variables: Mapping[str, str]) -> Iterator[Access]:
    value = variables[name]
    if URL.match(value):
        yield from _of_url(value, variables)
    elif TEXT.search(value) and not SCHEME.match(value) and not OTHER_KIND.search(name.lower()):
        yield from _of_text(value, variables, is_named=bool(TEXT_NAME.search(name.upper())))


def _of_url(value: str, variables: Mapping[str, str]) -> Iterator[Access]:
    """Yield the access of each host of a URL (libpq, *Connection URIs*)."""
    rest, _, query = value.partition("://")[2].partition("?")
    place, _, path = rest.partition("/")
    login, _, hosts = place.rpartition("@")
    user, _, password = login.partition(":")
    asked = dict(parse_qsl(query))
    split = _split if hosts else _split_plain
    places = (hosts or asked.get("host") or variables.get("PGHOST") or DEFAULT_FOLDER).split(",")
    for place, other in zip(places, _ports(asked.get("port", ""), len(places)), strict=True):
        try:
            host, port = split(place)
        except ValueError:  # a password with a slash: what is left of it looks like a port
            continue
        yield from _each(
            hosts=host,
            ports=str(port or other),
            user=unquote(user) or asked.get("user") or "postgres",
            password=unquote(password) or asked.get("password", ""),
            database=unquote(path) or asked.get("dbname") or "postgres",
        )


def _split(place: str) -> tuple[str, int | None]:
    """Return host and port of a place in a URL; raise :class:`ValueError` if it is none."""
    if unquote(place).startswith(("/", "@")):
        return _split_plain(unquote(place))
    parts = urlsplit(f"//{place}")
    return parts.hostname or "localhost", parts.port


def _split_plain(place: str) -> tuple[str, int | None]:
    """Return host and port of a host in a URL's query, where SQLAlchemy lets a port follow it."""
    match = WITH_PORT.fullmatch(place)
    if match is None:
        return place, None
    return match["host"], int(match["port"]) if match["port"] else None


def _of_text(value: str, variables: Mapping[str, str], *, is_named: bool) -> Iterator[Access]:
    """Yield the access of each host of a text; it is sure with a database and a fitting name."""
    words = {name: _plain(word) for name, word in WORD.findall(value)}
    if not OTHER_PORTS.isdisjoint(words.get("port", "").split(",")):
        return
    yield from _each(
        hosts=words.get("host") or words.get("hostaddr") or variables.get("PGHOST", ""),
        ports=words.get("port") or variables.get("PGPORT", ""),
        user=words.get("user") or variables.get("PGUSER", ""),
        password=words.get("password") or variables.get("PGPASSWORD", ""),
        database=words.get("dbname") or variables.get("PGDATABASE", ""),
        is_sure=is_named and "dbname" in words,
    )


def _plain(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith("'") else word


def _of_libpq(variables: Mapping[str, str]) -> Iterator[Access]:
    """Yield the access of each host in libpq's variables."""
    if variables.get("PGHOST") or variables.get("PGDATABASE"):
        yield from _each(
            hosts=variables.get("PGHOST", ""),
            ports=variables.get("PGPORT", ""),
            user=variables.get("PGUSER", ""),
            password=variables.get("PGPASSWORD", ""),
            database=variables.get("PGDATABASE", ""),
        )


def _of_parts(variables: Mapping[str, str]) -> Iterator[Access]:
    """Yield the access of each variable with a host alone; the official image's name the rest."""
    for match in filter(None, map(HOST_NAME.match, variables)):
        prefix = match["prefix"]
        kind = _first(variables, prefix, KIND_NAMES).lower()
        # Docker's links and Kubernetes write POSTGRES_PORT=tcp://10.0.0.2:5432.
        port = _first(variables, prefix, PORT_NAMES).rpartition(":")[2]
        is_sure = match["of"] in SURE or bool(POSTGRES_KIND.search(kind))
        if port in OTHER_PORTS or (match["of"] not in SURE and OTHER_KIND.search(kind)):
            continue
        of_image = "POSTGRES_"
        yield from _each(
            hosts=variables[match[0]],
            ports=port,
            user=_first(variables, prefix, USER_NAMES)
            or _first(variables, of_image, USER_NAMES)
            or variables.get("PGUSER", ""),
            password=_first(variables, prefix, PASSWORD_NAMES)
            or _first(variables, of_image, PASSWORD_NAMES)
            or variables.get("PGPASSWORD", ""),
            database=_first(variables, prefix, DATABASE_NAMES)
            or _first(variables, of_image, DATABASE_NAMES)
            or variables.get("PGDATABASE", ""),
            is_sure=is_sure,
        )


def _first(variables: Mapping[str, str], prefix: str, names: tuple[str, ...]) -> str:
    return next(filter(None, (variables.get(f"{prefix}{name}", "") for name in names)), "")


def _each(
    *, hosts: str, ports: str, user: str, password: str, database: str, is_sure: bool = True
) -> Iterator[Access]:
    """Yield the access of each host; one port is for all of them, as libpq has it."""
    named = [host.strip() for host in hosts.split(",") if host.strip()] or [DEFAULT_FOLDER]
    for host, port in zip(named, _ports(ports, len(named)), strict=True):
        if port.isdecimal():
            yield Access(
                host=host,
                port=int(port),
                user=user or "postgres",
                password=password,
                database=database or user or "postgres",
                is_sure=is_sure,
            )


def _ports(named: str, hosts: int) -> list[str]:
    """Return the port of each of so many hosts."""
    ports = [port.strip() or str(DEFAULT_PORT) for port in named.split(",")]
    return ports if len(ports) == hosts else ports[:1] * hosts
