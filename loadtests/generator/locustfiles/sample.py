"""The default locustfile: every user requests the trial's path again and again."""

from __future__ import annotations

from locust import task

from loadtests.generator.http.user import LeanHttpUser


class SampleUser(LeanHttpUser):
    """Requests one path until its client stops it at the end of the trial."""

    @task
    def ask(self) -> None:
        """Send requests until the trial is over; a loop here saves Locust's choice of a task."""
        path = self.load.path
        request = self.client.request
        while True:
            request("GET", path, allow_redirects=False)
