"""A small web service with the means that Flask's documentation names for growing.

An application factory and blueprints, a subclass, signals, WSGI middleware. It stands behind a
reverse proxy, alone or as one of many replicas, under any gunicorn worker model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from app import context, counters, errors, probes, work
from app.application import Application
from app.request_id import RequestId
from app.settings import from_environment


def create_app(config: Mapping[str, Any] | None = None) -> Application:
    """Make an application from the environment, with ``config`` over it.

    Raises:
        SettingError: a variable of the environment has a value that cannot be used.
    """
    app = Application(__name__)
    app.config.from_mapping(from_environment(os.environ))
    app.config.from_mapping(config)
    app.register_error_handler(HTTPException, errors.as_json)
    for module in (probes, work, context):
        app.register_blueprint(module.blueprint)
    counters.connect(app, app.counters)
    # One proxy stands in front; what it says of the client is believed, and nobody else's word.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.wsgi_app = RequestId(app.wsgi_app)  # type: ignore[method-assign]
    return app
