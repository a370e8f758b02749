"""A pause in every request."""

import time

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index() -> str:
    time.sleep(0.2)  # cause: gthread, sync
    return "done"
