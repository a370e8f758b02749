"""Run by path: ``python inspector.pyz '<json>'`` writes one JSON object about the application."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import Any, NoReturn

from loadtests.targets.application.inspector import django_urls, endpoints, facts, finding, kinds
from loadtests.targets.application.inspector.own_lines import FOLDER, raised, watch_variables

WORDS = ["--bind", "127.0.0.1:8000"]
"""What an application finds on the command line: it is a server's."""


class Hangs(BaseException):
    """The import did not end in time. No ``except Exception`` of an application catches it."""


def main(text: str) -> None:
    """Do the job in ``text``, a JSON object, and end with all that the application started.

    ``application`` is an import string, a path, or empty; ``modules`` are those whose versions are
    asked for, and ``limit_s`` is how long the import may take.
    """
    job: dict[str, Any] = json.loads(text)
    sys.argv[1:] = WORDS
    output = os.dup(1)
    os.dup2(2, 1)  # what the application prints is no answer
    _forget_this_package()
    answer: dict[str, Any] = {"missing": {}, "also": [], **facts.of_interpreter(job["modules"])}
    watch_variables(answer["missing"])
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(int(job["limit_s"]))
    _inspect(job["application"], answer)
    signal.alarm(0)
    with contextlib.suppress(Exception):  # its standard output may be anything by now
        sys.stdout.flush()
    with os.fdopen(output, "w", encoding="utf-8") as stream:
        json.dump(answer, stream)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # also the threads and processes that the import started
    os._exit(0)


def _forget_this_package() -> None:
    """Let the application have a package of its own called ``loadtests``."""
    for name in [name for name in sys.modules if name.split(".")[0] == "loadtests"]:
        del sys.modules[name]
    sys.path.pop(0)


def _stop(*_: object) -> NoReturn:
    raise Hangs


def _inspect(text: str, answer: dict[str, Any]) -> None:
    """Add to ``answer`` what the application is, or its failure."""
    step = facts.GUNICORN_SETTINGS
    try:
        sys.path.insert(0, str(FOLDER))
        answer["gunicorn"] = facts.of_gunicorn()
        source, module, attribute = finding.located(text or finding.unnamed())
        if source:
            sys.path.insert(0, str(FOLDER / source))
        step = module
        loaded = finding.imported(module)
        step = f"{module}:{attribute or ''}"
        if attribute is None:
            value, name = finding.best(loaded, answer["also"])
        else:
            value, name = finding.named(loaded, attribute)
        answer.update(source=source, application=f"{module}:{name}", **_described(value))
    except finding.Trouble as trouble:
        answer["failure"] = trouble.fields
    except Hangs as error:
        answer["failure"] = raised("hangs", error, step=step)
    except SystemExit as error:
        answer["failure"] = raised("exits", error, step=step)
    except BaseException as error:  # noqa: BLE001  whatever the application raises is the answer
        answer["failure"] = raised("raises", error, step=step)


def _described(value: Any) -> dict[str, Any]:
    interface = kinds.interface_of(value)
    framework = kinds.framework_of(value)
    what: dict[str, Any] = {
        "interface": interface,
        "framework": framework,
        "version": facts.version_of(framework) if framework else None,
        "what": kinds.description_of(value),
    }
    return {
        **what,
        **(facts.of_application(value) if interface == "wsgi" else {}),
        **(endpoints.of_application(value) if interface == "asgi" else {}),
        **(django_urls.of_project() if interface and framework == "django" else {}),
        "wrapped": [] if interface else kinds.wrapped(value),
    }


if __name__ == "__main__":
    main(sys.argv[1])
