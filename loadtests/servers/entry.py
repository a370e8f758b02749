"""The application as a module with the name ``application``, for servers that call nothing. PURE.

gunicorn takes ``shop:create_app()``; most other servers want a module and a name in it.
"""

from __future__ import annotations

from typing import Protocol

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import Interface
from loadtests.servers.interpreter import GIL_IS_ON
from loadtests.servers.server import Command, ReplicaOrder

MODULE = "twofold_entry"
FILE = f"{MODULE}.py"

SAMPLE_MODULE = "app.wsgi"
SAMPLE_FILE = "app/wsgi.py"
"""The sample application's own module of this kind, relative to its working folder."""

NAME = "application"

IN_IMAGE = "/venv/bin/python"
"""The interpreter in the sample application's image."""

ALL_ADDRESSES = "0.0.0.0:8000"


WATCHED = f"""
import sysconfig as _sysconfig

if _sysconfig.get_config_var("Py_GIL_DISABLED"):
    import sys as _sys

    _served, _told = {NAME}, []

    def {NAME}(environ, start_response):
        if not _told and _sys._is_gil_enabled():
            _told.append(True)
            print("{GIL_IS_ON}", file=_sys.stderr, flush=True)
        return _served(environ, start_response)
"""
"""Lets a worker of a free-threaded CPython say under load that its GIL is on; others stay as they
are. Not a thread: the threads of some servers are counted to see what is in force."""


class Argv(Protocol):
    """Returns a server's command line for a module's ``application``."""

    def __call__(
        self, program: str, worker: WorkerModel, /, *, bind: str, module: str
    ) -> tuple[str, ...]:
        """Return the command of ``program``, which is the interpreter or the server's own."""


def command(argv: Argv, order: ReplicaOrder, *, program: str | None = None) -> Command:
    """Return the command of one replica; without a ``program``, its interpreter starts it."""
    return Command(
        argv=argv(program or order.python, order.worker, bind=order.bind, module=module(order)),
        env=environment(order),
        files=files(order),
    )


def container(argv: Argv, worker: WorkerModel, *, program: str = IN_IMAGE) -> Command:
    """Return the command of a container of the sample application."""
    return Command(
        argv=argv(program, worker, bind=ALL_ADDRESSES, module=SAMPLE_MODULE),
        env=sample_settings(worker),
    )


def module(order: ReplicaOrder) -> str:
    """Return the module that has the application of an order as ``application``."""
    return SAMPLE_MODULE if order.folder is None else MODULE


def path(order: ReplicaOrder) -> str:
    """Return the path of that module's file, relative to the working folder."""
    return SAMPLE_FILE if order.folder is None else f"{order.scratch}/{FILE}"


def files(order: ReplicaOrder) -> dict[str, str]:
    """Return the files that the order's scratch folder needs: the module, unless there is one."""
    return {} if order.folder is None else {FILE: source(order.application, order.interface)}


def source(application: str, interface: Interface | None = None) -> str:
    """Return the text of a module for an import string: a module, a name in it, perhaps a call.

    An asynchronous application is not called as WSGI is, so nothing watches it.
    """
    target, _, expression = application.partition(":")
    watched = "" if interface is Interface.ASGI else WATCHED
    return f"import {target} as _module\n\n{NAME} = _module.{expression or NAME}\n{watched}"


def environment(order: ReplicaOrder) -> dict[str, str]:
    """Return the variables of a replica whose server is not gunicorn.

    The sample application reads all of them. Of a user's application, the harness sets the name of
    the replica and where to import from.
    """
    if order.folder is not None:
        places = (order.scratch, order.folder, f"{order.folder}/src")
        return {**order.worker.env, "REPLICA": order.name, "PYTHONPATH": ":".join(places)}
    return {
        **sample_settings(order.worker),
        "REPLICA": order.name,
        "SECRET_KEY": order.secret_key,
        # Always set, so that the value in this process's environment is not inherited.
        "DATABASE_URL": order.database_url or "",
    }


def sample_settings(worker: WorkerModel) -> dict[str, str]:
    """Return what the sample application has to know of the server that serves it."""
    return {
        **worker.env,
        "WORKER_MODEL": "-".join(
            dict.fromkeys((worker.server, worker.mode or worker.server))
        ).replace("_", "-"),
        "WEB_CONCURRENCY": str(worker.processes),
        "THREADS": str(worker.threads),
    }
