"""A call to a slow service."""

import os
from urllib.request import urlopen

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index() -> str:
    with urlopen(os.environ["SERVICE_URL"], timeout=30) as answer:  # cause: gthread, sync
        text: bytes = answer.read()
    return text.decode()
