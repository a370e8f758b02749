"""A small web service with the means that Flask's documentation names for growing.

An application factory and blueprints, a subclass, signals, WSGI middleware. It stands behind a
reverse proxy, alone or as one of many replicas, under any gunicorn worker model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from psycopg import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from app import context, counters, errors, faults, items, probes, serial, state, work
from app.application import Application
from app.request_id import RequestId
from app.settings import from_environment


def create_app(config: Mapping[str, Any] | None = None) -> Application:
    """Make an application from the environment, with ``config`` over it.

    The process that serves it calls ``open()`` first, which connects it to its store.

    Raises:
        SettingError: a variable of the environment has a value that cannot be used.
    """
    settings = {
        **from_environment(os.environ),
        "FAULTS": faults.Faults.from_environment(os.environ),
        **(config or {}),
    }
    app = Application(__name__, settings)
    app.state = state.StoreState(app.store)
    counters.connect(app, app.counters)
    app.register_error_handler(HTTPException, errors.as_json)
    app.register_error_handler(OperationalError, errors.store_away)
    for module in (probes, work, context, items, state, serial):
        app.register_blueprint(module.blueprint)
    faults.install(app, app.config["FAULTS"])
    # One proxy stands in front; what it says of the client is believed, and nobody else's word.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.wsgi_app = RequestId(app.wsgi_app)  # type: ignore[method-assign]
    return app
