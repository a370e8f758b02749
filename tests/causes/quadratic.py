"""Quadratic JSON: the whole document is written again for each of its entries."""

import json

from flask import Flask

app = Flask(__name__)
ENTRIES = 60


@app.get("/")
def index() -> str:
    entries: list[dict[str, object]] = []
    text = ""
    for number in range(ENTRIES):
        entries.append({"id": number, "name": f"entry {number}", "tags": ["a", "b", "c"]})
        text = json.dumps(entries)  # cause: gthread, sync
    return text
