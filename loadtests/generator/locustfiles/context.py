"""Requests /context with a new token each time; an answer with another token is a failure.

It checks both the application's own field ``isolated`` and the token in the answer. An answer with
another request's token is ``rejected`` in the samples.
"""

from __future__ import annotations

import itertools
import os

from locust import task

from loadtests.generator.http.user import LeanHttpUser

_numbers = itertools.count()


class IsolationUser(LeanHttpUser):
    """Sends requests until the trial is over; ``path`` may contain the length of the pause."""

    @task
    def ask(self) -> None:
        """Send one unique token after the other."""
        joint = "&" if "?" in self.load.path else "?"
        while True:
            token = f"{os.getpid()}-{next(_numbers)}"
            path = f"{self.load.path}{joint}token={token}"
            with self.client.request("GET", path, name="/context", catch_response=True) as answer:
                if not answer.ok:
                    continue
                context = answer.json()
                if context.get("isolated") is not True or context.get("token") != token:
                    answer.failure(f"{token} came back as {context}")
