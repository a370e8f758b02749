"""The sample application: a small Flask service that is built to be scaled out.

``create_app`` is the application factory; each module with views has a blueprint. The service
stands behind a reverse proxy, alone or as one of many replicas. gunicorn serves it with threads,
processes or greenlets; ``gunicorn.conf.py`` has the settings. Other servers import ``app.wsgi``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from psycopg import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from app import context, counters, errors, gil, items, probes, state, work
from app.application import Application
from app.request_id import RequestId
from app.settings import from_environment

BLUEPRINTS = tuple(module.blueprint for module in (probes, work, context, items, state))


def create_app(config: Mapping[str, Any] | None = None) -> Application:
    """Return a new application, configured by the environment and then by ``config``.

    Call ``open()`` in the process that serves it: this connects it to its store.

    Raises:
        SettingError: an environment variable has a value that cannot be used.
    """
    app = Application({**from_environment(os.environ), **(config or {})})
    assemble(app)
    return app


def assemble(app: Application) -> None:
    """Add views, error handlers, counters and middleware to ``app``.

    It is apart from the factory so that a subclass of ``Application`` can be assembled as well.
    """
    counters.connect(app, app.counters)
    app.register_error_handler(HTTPException, errors.as_json)
    app.register_error_handler(OperationalError, errors.store_away)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    # Exactly one proxy stands in front: trust what it says about the client, and nobody else.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.wsgi_app = RequestId(app.wsgi_app)  # type: ignore[method-assign]
    app.wsgi_app = gil.watched(app.wsgi_app)  # type: ignore[method-assign, assignment]
