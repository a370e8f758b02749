"""Known causes of answers that differ or fail, and what to do about each. PURE.

A cause is recognised by words of the application's answer, of its log or of the request. Each
remedy names the setting, where the extension or the library has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PAGE = "docs/how-to/breaks-at-two-servers.md"
"""The page that explains the remedies."""


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """A cause in a clause without a full stop, what to do in a sentence, and the words of it."""

    cause: str
    advice: str
    words: re.Pattern[str]


TOO_SLOW = (
    "Take the limit out of the locustfile, or raise it: Twofold itself measures how long answers"
    " take."
)
"""What to do about a load with a limit of time of its own."""


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_REFUSED = (
    r"(missing|invalid|incorrect|wrong|bad|expired|failed|fails|refused|rejected|denied|forbidden"
    r"|mismatch|not set|do(es)? not match|did ?n.t match|can.t verify)"
)
"""Words of a refusal: a path or a field may be called csrf, too."""

SESSION = Remedy(
    cause="the session that one server gave is not known to the others",
    advice="Give all servers one SECRET_KEY from their environment (Flask: app.secret_key), never a"
    " random one made at start. Sessions on the server belong in a store that all share"
    " (Flask-Session: SESSION_TYPE = 'redis').",
    words=_words(
        r"BadSignature", r"signature .{0,40}(does not match|failed|expired)", r"itsdangerous"
    ),
)

CSRF = Remedy(
    cause="the CSRF token that one server gave is refused by the others",
    advice="A CSRF token is signed with SECRET_KEY and kept in the session: give all servers one"
    " SECRET_KEY (Flask-WTF: also WTF_CSRF_SECRET_KEY) from their environment.",
    words=_words(
        rf"csrf[^<>\"=\n]{{0,60}}\b{_REFUSED}",
        rf"\b{_REFUSED}[^<>\"=\n]{{0,30}}csrf",
        r"csrf_?error",
    ),
)

STICKY = Remedy(
    cause="a Socket.IO client that polls must stay with the server that knows its session",
    advice="Turn on sticky sessions in the load balancer (nginx: ip_hash or a cookie), and give"
    " Flask-SocketIO a message_queue, or let clients use WebSocket only (transports ="
    " ['websocket']).",
    words=_words(r"Session ID unknown", r"/socket\.io/"),
)

CONNECTIONS = Remedy(
    cause="the store refuses connections",
    advice="Each replica opens its own pool: keep replicas × processes × (pool_size + max_overflow)"
    " below the store's max_connections. Lower the pool (SQLALCHEMY_ENGINE_OPTIONS), raise"
    " max_connections, or put PgBouncer in front of the store.",
    words=_words(
        r"too many clients",
        r"remaining connection slots",
        r"too many connections",
        r"max(imum)? number of clients reached",
        r"no more connections allowed",
        r"(exceeded the|more than) 'max_user_connections'",
        r"\bORA-(00018|00020|12516|12519|12520)\b",
    ),
)

POOL = Remedy(
    cause="a replica's own connection pool is too small",
    advice="Raise the pool of a replica to its number of threads or greenlets (SQLAlchemy:"
    " pool_size and max_overflow; psycopg_pool: max_size), or hold a connection for less long.",
    words=_words(
        r"QueuePool limit", r"PoolTimeout", r"couldn't get a connection after", r"pool exhausted"
    ),
)

SQLITE_LOCKED = Remedy(
    cause="all replicas write to one SQLite file, which takes one writer at a time",
    advice="Use a database server (DATABASE_URL). SQLite on one machine waits longer with a"
    " busy timeout (connect_args = {'timeout': 30}) and the journal mode WAL.",
    words=_words(r"database (table )?is locked"),
)

MISSING_TABLE = Remedy(
    cause="a table is missing in the database of that replica",
    advice="Let all replicas use one database server (DATABASE_URL), and create its tables once,"
    " before the first replica starts, not in every replica's start.",
    words=_words(
        r"no such table", r"relation .{1,80} does not exist", r"Table .{1,80} doesn't exist"
    ),
)

DEADLOCK = Remedy(
    cause="transactions of several replicas wait for one another",
    advice="Lock rows in the same order in every transaction, keep transactions short, and try one"
    " again that the store gave up.",
    words=_words(r"deadlock (detected|found)", r"could not serialize access"),
)

LIMITER = Remedy(
    cause="the application limits the rate of its users",
    advice="Switch the limiter off for the load (Flask-Limiter: RATELIMIT_ENABLED = False), or give"
    " each user an address of its own. For more than one server give it a shared store"
    " (RATELIMIT_STORAGE_URI = 'redis://…', the argument storage_uri); in memory each process"
    " counts alone.",
    words=_words(
        r"status 429",
        r"rate[\s_-]?limit",
        r"too many requests",
        r"\bthrottl(ed|ing)",
        r"(?<!maximum )\b(request|call|usage|hourly|daily)s? (quota|limit)",
        r"doing that too (often|much|quickly|fast)",
    ),
)

PROXY_LIMIT = Remedy(
    cause="the proxy in front answered with a page of its own, so the application never saw these"
    " requests",
    advice="Take its limits out for the measurement, or set them above what all replicas can do"
    " (nginx: limit_req, limit_conn).",
    words=_words(r"<center>(nginx|openresty)"),
)

PROXY_FAILURE = Remedy(
    cause="an nginx wrote these pages by itself, and no log that was read says why",
    advice="Look into nginx's error log. If it says 'worker_connections are not enough', raise them"
    " and measure again. If it says 'auth request unexpected status', the application refused what"
    " nginx asked it: give all servers one SECRET_KEY and one store of sessions.",
    words=PROXY_LIMIT.words,
)

PROXY_CONNECTIONS = Remedy(
    cause="the nginx in front has no connection left, so the application never saw these requests",
    advice="Raise worker_connections in nginx's block events { } (or worker_processes): each"
    " request in flight takes two connections, one to the user and one to a replica. Or measure"
    " fewer replicas.",
    words=_words(r"worker_connections are not enough"),
)

STATE = Remedy(
    cause="what was written through one server is not there on the others",
    advice="Keep state that outlives a request where every server reads it: a database server"
    " (DATABASE_URL), a shared cache (Flask-Caching: CACHE_TYPE = 'RedisCache') or an object store"
    " for uploads; not in a variable, nor in a file of the container.",
    words=_words(r"(?!)"),
)

FILE = Remedy(
    cause="each replica keeps its own file",
    advice="A file in the container is one replica's own, and is gone with it: use a database"
    " server instead of SQLite (DATABASE_URL), and a shared volume or an object store for uploads.",
    words=_words(r"(?!)"),
)

START = Remedy(
    cause="a replica that starts removes what was written",
    advice="Create tables once, by a migration before the release (flask db upgrade), and never"
    " drop them in the start of a container.",
    words=_words(r"(?!)"),
)

SHARED_ACCOUNTS = Remedy(
    cause="users share accounts, and a second login of an account ends its first session, with one"
    " server, too",
    advice="Give each user of the load an account of its own: lists in `values` with a row for each"
    " user of the most replicas, or a locustfile that takes another account for each user.",
    words=_words(r"(?!)"),
)

KNOWN = (
    PROXY_CONNECTIONS,
    CONNECTIONS,
    POOL,
    SQLITE_LOCKED,
    MISSING_TABLE,
    DEADLOCK,
    STICKY,
    CSRF,
    SESSION,
    LIMITER,
)
"""The causes that words can show, the most telling first."""


def remedy_for(*texts: str) -> Remedy | None:
    """Return the first known cause whose words are in one of the texts."""
    return next((known for known in KNOWN if any(known.words.search(text) for text in texts)), None)


def says_limit(body: str) -> bool:
    """Return whether an answer says at its beginning that the rate is limited.

    Further down, a page with a traceback has names of packages and settings.
    """
    text = MARKUP.sub(" ", body[:MOST_CHARS])
    return bool(LIMITER.words.search(" ".join(text.split())[:SAID_CHARS]))


MOST_CHARS = 20_000
SAID_CHARS = 1_000
"""Characters of an answer that are read, and those of its text that say what is wrong."""

MARKUP = re.compile(r"<(style|script)\b[^<]*</\1>|<[^<>]*>", re.IGNORECASE)
"""What of a page is no text."""


def telling_line(lines: Iterable[str]) -> str | None:
    """Return the line of a log that explains most, or None.

    That is the last error with a known cause, where they are a share of all errors; or else the
    last line that is an error or shows a known cause. A line that only says what was asked, and
    with which status it was answered, explains nothing. Nor does a warning of Python: Flask-Limiter
    warns of each memory that it counts in.
    """
    kept = [text for line in lines if (text := line.strip()) and not SAYS_NOTHING.search(text)]
    known = {line for line in kept if remedy_for(line) is not None}
    errors = [line for line in kept if ERROR_LINE.search(line) or EXCEPTION_LINE.match(line)]
    of_known = [line for line in errors if line in known]
    if of_known and len(of_known) >= KNOWN_RATIO * len(errors):
        return of_known[-1]
    telling = [line for line in kept if line in known or ERROR_LINE.search(line)]
    return telling[-1] if telling else None


KNOWN_RATIO = 0.2
"""Share of the errors of a log from which a known cause explains it. An error has several lines."""

ACCESS_LINE = re.compile(
    r"(?<![A-Z])[A-Z]{3,7} \S+ (HTTP/)?\d(\.\d)?(\x1b\[\d*m)?\"\s+\d{3}\b"
    r"|^\[pid: .* => generated \d+ bytes "
)
"""A line of an access log: ``"GET /csrf HTTP/1.1" 200``, and uWSGI's own."""

WARNING_LINE = re.compile(r":\d+: \w*Warning: ")
"""A line of Python's ``warnings``: file, line, category and text."""

SAYS_NOTHING = re.compile(rf"{ACCESS_LINE.pattern}|{WARNING_LINE.pattern}")

EXCEPTION_LINE = re.compile(r"[A-Za-z_]\w*(\.\w+)+: ")
"""The last line of a traceback, by its dotted name: ``psycopg_pool.PoolTimeout: …``."""


ERROR_LINE = _words(r"^[\w.]+(Error|Exception|Exit)\b", r"\b(ERROR|CRITICAL|FATAL)\b")
"""A line of a log that states an error: the last line of a Python traceback, or a level."""
