"""What redirects lead to is asked, too, and only looks like a login where it is one."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, redirect, request

from tests.loadtests.measurement.consistency import site
from tests.loadtests.measurement.consistency.plain_app import Store, app_of_one_key
from tests.loadtests.measurement.consistency.site import asked, breaks


def posts_at(path: str) -> Any:
    """Give an application of posts on each server's disk, whose list lies at a path."""

    def make(shared: Store, own: Store) -> Flask:
        app, posts = app_of_one_key(), own.setdefault("posts", [])

        @app.post("/posts")
        def write() -> Any:
            posts.append(request.get_json()["text"])
            return redirect(path)

        @app.get(path)
        def read() -> str:
            return "<br>".join(posts)

        return app

    return make


POST = site.request("POST /posts", json={"text": "buy some milk"})


@pytest.mark.parametrize("path", ["/all", "/blog_index", "/auth/settings", "/design-inspiration"])
def test_a_write_that_leads_to_a_page_is_accepted(path: str) -> None:
    (result,) = breaks(asked(posts_at(path), POST, site.request(f"GET {path}")))

    assert result.write == "POST /posts"
