"""An application without routes, and what its servers may share."""

from __future__ import annotations

from typing import Any

from flask import Flask

Store = dict[str, Any]

KEY = "the same everywhere"


def app_of_one_key() -> Flask:
    app = Flask(__name__)
    app.secret_key = KEY
    return app
