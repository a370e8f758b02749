"""A cache that everybody computes anew at the moment when it has expired."""

import hashlib
import time

from flask import Flask

app = Flask(__name__)
KEPT_S = 0.01
cached: dict[str, tuple[float, str]] = {}


def report() -> str:
    digest = b""
    for number in range(20_000):
        digest = hashlib.sha256(digest + str(number).encode()).digest()  # cause: gthread, sync
    return digest.hex()


@app.get("/")
def index() -> str:
    until_s, text = cached.get("report", (0.0, ""))
    if time.monotonic() > until_s:
        text = report()
        cached["report"] = (time.monotonic() + KEPT_S, text)
    return text
