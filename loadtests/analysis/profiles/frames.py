"""Which frames belong to a request, and which package each is of. PURE.

A request begins where a server calls the application: at the first frame below the server's that is
neither the server's nor the standard library's. What the server does by itself (accepting, reading,
writing) is left out, and so is every thread that no server called.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from loadtests.model.profiles.records import Frame, Stack

SERVERS = re.compile(
    r"/(gunicorn|waitress|cheroot|granian|gevent|eventlet|uvicorn|uvicorn_worker|hypercorn|daphne"
    r"|sanic|a2wsgi|asgiref|wsgiref|bjoern|meinheld)/|/werkzeug/(serving|_reloader)\.py$"
    r"|/http/server\.py$"
    r"|/aiohttp/(worker|web\w*)\.py$|/tornado/(httpserver|routing|web|wsgi)\.py$"
)
"""Files of servers that call an application from Python."""

WORKERS = re.compile(r"/anyio/_backends/_asyncio\.py$")
"""What a thread runs outermost if it serves a ``def`` endpoint of FastAPI or Starlette; further in,
a client's. Pools of ``concurrent.futures`` are not here: any background work may run there."""

BRIDGE = re.compile(r"/asgiref/sync\.py$")
"""What lets threads of a server call async views, and event loops call others."""

ASYNCIO = re.compile(r"/asyncio/\w+\.py$")

LOOPS = re.compile(r"/(aiohttp|tornado|trio|twisted|z?uvloop|rloop)/")
"""Event loops: a server's below its frames. Elsewhere a client may run one."""

COMMAND_LINES = re.compile(r"/(click|typer)/(core|decorators|main)\.py$")
"""What calls a server's own functions from its command line (``python -m uvicorn``)."""

EMBEDDING = frozenset({"uwsgi", "mod_wsgi"})
"""Servers in C: the outermost Python frame of their threads is the application's."""

STANDARD = re.compile(r"^<|/(lib|lib64)/(python|pypy)\d[^/]*/(?!(site|dist)-packages/)")
"""Files of the standard library, and code without a file (``<frozen importlib._bootstrap>``)."""

PACKAGES = re.compile(r"/(?:site|dist)-packages/|/__pypackages__/[^/]+/lib/|\.whl/")
"""Folders in which packages are installed: pip's and Debian's, PDM's, and a wheel's own (PEX)."""

LIBRARIES = re.compile(
    r"flask|flask_\w+|werkzeug|jinja2|click|itsdangerous|django|bottle|falcon|pyramid|starlette"
    r"|psycopg\w*|sqlalchemy|flask_sqlalchemy|redis|pymongo|pymysql|MySQLdb|peewee|requests|urllib3"
    r"|httpx|httpcore|http|anyio|sentry_sdk|opentelemetry|prometheus_client|newrelic|ddtrace"
    r"|simplejson|marshmallow|pydantic|boto3|botocore|celery|kombu|gevent|greenlet|gunicorn|asgiref"
    r"|whitenoise|paste|webob|certifi|dns|aiohttp|sanic|tornado|twisted|uvicorn|rest_framework"
    r"|corsheaders|debug_toolbar|django_\w+|allauth|ninja|silk|graphene\w*|strawberry|ariadne"
    r"|connexion|apiflask|fastapi|elasticapm|scout_apm|structlog|a2wsgi|quart|litestar|mod_wsgi"
    r"|waitress|cheroot|granian|hypercorn|opentracing|webargs|wrapt|tenacity|cachetools|authlib"
    r"|guardian|backoff|decorator"
)
"""Packages that nobody measures for their own sake; an application may be installed beside them.
What may call the application has to be here: frameworks, middleware, servers and decorators."""

ANCHORS = re.compile(
    r"/(?:"
    r"(?P<by_name>flask/app|quart/app|falcon/(?:asgi/)?app|bottle)\.py"
    r" (?:\w+\.)?(?:__call__|wsgi_app|asgi_app|full_dispatch_request|dispatch_request|_handle)$"
    r"|(?P<by_file>django/core/handlers/(?:base|wsgi|asgi|exception)"
    r"|pyramid/(?:tweens|viewderivers)|starlette/(?:applications|middleware/(?:errors|exceptions))"
    r"|werkzeug/(?:serving|middleware/\w+)|gunicorn/(?:arbiter|app/(?:base|wsgiapp))"
    r"|gunicorn/workers/(?:base|base_async|sync|gthread|ggevent|geventlet|gtornado)"
    r"|waitress/(?:task|channel|wasyncore)|cheroot/(?:makefile|workers/threadpool)"
    r"|granian/(?:_futures|_loops|server/(?:common|mp|mt))|gevent/(?:hub|greenlet|pywsgi)"
    r"|uvicorn/(?:_subprocess|protocols/http/\w+)|hypercorn/(?:app_wrappers|asyncio/\w+))\.py )"
)
"""Files that only the real packages of frameworks and servers have, before a space and a function.

Where one and another known package are, packages are installed. A user may have an ``app.py`` in a
folder ``flask``, or a ``bottle.py``, so these count by their functions, too.
"""

FRAMEWORKS = re.compile(r"flask|quart|django|starlette|fastapi|pyramid|bottle|sanic|aiohttp")

DISPATCH = frozenset(
    {"wsgi_app", "asgi_app", "full_dispatch_request", "dispatch_request", "handle_request"}
    | {"get_response", "_get_response", "get_response_async", "_get_response_async"}
    | {"app", "_handle"}
)
"""Functions of frameworks between the middleware around the application and its own code."""

MODULE = re.compile(r"/([^/]+?)(?:/__init__)?\.py$")

THREAD_START = ("_bootstrap", "threading.py")
"""The outermost frame of a thread that Python code started."""


def request_frames(stack: Stack, server: str, *, bridged: bool = False) -> tuple[Frame, ...]:
    """Return the frames of a request, outermost first; () where the thread serves none.

    A request with an async view is in two threads under WSGI: a loop's thread runs the view, and
    its own thread waits for that. So it is seen in its own thread. With ``bridged``, the loop's
    thread counts, too: samples of the CPU do not see a thread that waits.
    """
    frames = stack.frames
    at = _called_at(frames)
    if server in EMBEDDING and at != 0 and not _is_started(frames):
        return frames
    if at is None:
        return ()
    begins = next((i for i in range(at + 1, len(frames)) if _is_called(frames[i])), None)
    if begins is None or (not bridged and _is_bridged(frames, at, begins)):
        return ()
    return frames[begins:]


def _called_at(frames: Sequence[Frame]) -> int | None:
    """Return the place of the outermost frame of what calls the application; None without one."""
    first = next((i for i, frame in enumerate(frames) if not STANDARD.search(frame.file)), None)
    if first is not None and _is_started(frames) and WORKERS.search(frames[first].file):
        return first
    return next((i for i, frame in enumerate(frames) if SERVERS.search(frame.file)), None)


def _is_called(frame: Frame) -> bool:
    """Return whether a frame below a server's first one is no longer the server's own work."""
    return not any(files.search(frame.file) for files in (SERVERS, LOOPS, COMMAND_LINES, STANDARD))


def _is_bridged(frames: Sequence[Frame], at: int, begins: int) -> bool:
    """Return whether a thread runs the async view of a request that waits in another thread."""
    if not (_is_started(frames) and BRIDGE.search(frames[at].file)):
        return False
    return any(
        ASYNCIO.search(above.file) and BRIDGE.search(below.file)
        for above, below in pairwise(frames[at - 1 : begins])
    )


def _is_started(frames: Sequence[Frame]) -> bool:
    name, file = THREAD_START
    return bool(frames) and frames[0].name.endswith(name) and frames[0].file.endswith(file)


def package_folders(stacks: Iterable[Sequence[Frame]]) -> frozenset[str]:
    """Return folders beside the usual ones in which packages are installed (``pip --target``).

    Such a folder has a framework or a server, and another known package. It may also have the
    application itself. Names do not suffice, as users have folders like ``redis``, too: see
    :data:`ANCHORS`.
    """
    anchored: dict[str, set[str]] = defaultdict(set)
    known: dict[str, set[str]] = defaultdict(set)
    for file, name in {(frame.file, frame.name) for frames in stacks for frame in frames}:
        if STANDARD.search(file) or PACKAGES.search(file):
            continue
        anchor = ANCHORS.search(f"{file} {name}")
        if anchor:
            package = (anchor["by_name"] or anchor["by_file"]).partition("/")[0]
            anchored[file[: anchor.start()]].add(package)
        folders = file.split("/")[:-1]
        for index, folder in enumerate(folders):
            if LIBRARIES.fullmatch(folder):
                known["/".join(folders[:index])].add(folder)
    return frozenset(
        folder
        for folder, anchors in anchored.items()
        if folder and len(anchors | known[folder]) > 1
    )


def package_of(frame: Frame, folders: Collection[str] = ()) -> str:
    """Return the package that a frame is of; "" for none. ``folders`` have packages, too."""
    return within_packages(frame, folders).partition("/")[0].removesuffix(".py")


def within_packages(frame: Frame, folders: Collection[str] = ()) -> str:
    """Return a frame's path in the folder of packages (``redis/lock.py``); "" outside of them."""
    found = PACKAGES.search(frame.file)
    if found:
        return frame.file[found.end() :]
    inside = [folder for folder in folders if frame.file.startswith(f"{folder}/")]
    return frame.file[len(min(inside, key=len)) + 1 :] if inside else ""


def is_own(frame: Frame, folders: Collection[str] = ()) -> bool:
    """Return whether a frame is of the user's code: of no package and not of Python."""
    return not (STANDARD.search(frame.file) or package_of(frame, folders))


def is_library(frame: Frame, folders: Collection[str] = ()) -> bool:
    """Return whether a frame is of a well-known package."""
    return bool(LIBRARIES.fullmatch(package_of(frame, folders)))


def is_python(file: str) -> bool:
    """Return whether a file is Python source: by its ending, or because it has none."""
    return PurePosixPath(file).suffix in {"", ".py", ".pyw", ".pyx"}


def described(frame: Frame, folders: Collection[str] = ()) -> str:
    """Return a function of another package in words: the package or module, and its name."""
    module = MODULE.search(frame.file)
    place = package_of(frame, folders) or (module[1] if module else "")
    return f"{place} {frame.name}" if place else frame.name
