"""Locustfiles with listeners that ask, users that stop themselves, and hosts of all kinds."""

from __future__ import annotations

from collections.abc import Mapping

from tests.loadtests.generator.user_load.case import Case

CASES: Mapping[str, Case] = {
    "a login in a listener, by another client": Case(
        text="""
        import requests
        TOKENS = []
        def log_in(host):
            TOKENS.append(requests.post(f"{host}/items", data={"user": "ada"}).json()["id"])
        @events.test_start.add_listener
        def start(environment, **_): log_in(environment.host)
        class Shop(HttpUser):
            @task
            def index(self):
                assert TOKENS == [7]
                self.client.get("/")
        """,
    ),
    "requests of a listener for each request": Case(
        text="""
        import requests
        @events.request.add_listener
        def ended(url, **_): requests.get(url)
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        """,
        code=3,
        said=("locustfile.py:5", "another client than self.client"),
    ),
    "the API of an answer's cookies, and of the options": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self):
                answer = self.client.get("/form")
                assert answer.cookies.get_dict() == {"csrf": "token-17"}
                assert answer.cookies["csrf"] == answer.cookies.get("csrf") == "token-17"
                assert [cookie.name for cookie in answer.cookies] == ["csrf"]
                self.client.cookies.update(answer.cookies)
                assert self.environment.parsed_options.host == self.host == self.environment.host
        """,
    ),
    "a listener that wants the host of the options": Case(
        text="""
        @events.test_start.add_listener
        def start(environment, **_):
            assert environment.parsed_options.host.startswith("http://127.0.0.1:")
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        """,
    ),
    "a user that stops itself": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self):
                self.client.get("/")
                self.stop()
        """,
        code=3,
        said=("locustfile.py:7: Shop.index ends its user (StopUser)",),
    ),
    "a TaskSet that stops its user at once": Case(
        text="""
        class Shop(HttpUser):
            @task
            class Tasks(TaskSet):
                @task
                def index(self):
                    self.user.stop(force=True)
                    self.client.get("/")
        """,
        code=3,
        said=("locustfile.py:8: Shop.Tasks.index ends its user (StopUser)",),
    ),
    "hosts with a slash, and without a scheme": Case(
        text="""
        class Shop(HttpUser):
            host = "http://localhost:5000/"
            @task
            def index(self):
                assert self.client.get("/items").url == self.environment.host + "/items"
        class Other(FastHttpUser):
            host = "localhost:5000"
            @task
            def index(self): assert self.client.get("/items").status_code == 200
        """,
        said=(
            "The host http://localhost:5000/ in the file is replaced by the target.\n",
            "The host localhost:5000 in the file is replaced by the target.",
        ),
    ),
    "a client of the file's own, at the host of its class": Case(
        text="""
        import requests
        class Client:
            def __init__(self, host, events):
                self.host, self.events, self.session = host, events, requests.Session()
            def get(self, path):
                began = time.perf_counter()
                answer = self.session.get(self.host + path)
                self.events.request.fire(
                    request_type="GET", name=path, response_length=len(answer.content),
                    response_time=(time.perf_counter() - began) * 1000, exception=None, context={})
        class Shop(User):
            host = "http://localhost:9"
            def __init__(self, environment):
                super().__init__(environment)
                self.client = Client(self.host, environment.events)
            @task
            def index(self): self.client.get("/")
        """,
        said=(
            "The host http://localhost:9 in the file is replaced by the target.",
            "locustfile.py:9: It has a client of its own, whose requests count as the file tells",
        ),
    ),
    "a client that tells Locust of its requests, and others that do not": Case(
        text="""
        import requests
        def tell(user, kind, name):
            user.environment.events.request.fire(
                request_type=kind, name=name, response_time=1, response_length=0,
                exception=None, context={})
        class Counted(User):
            @task
            def index(self):
                requests.get(self.host + "/counted")
                tell(self, "GET", "/counted")
        class Shop(HttpUser):
            @task
            def index(self):
                self.client.get("/items")
                tell(self, "FLOW", "from the shelf to the till")
            @task
            def other(self): requests.get(self.host + "/items")
        """,
        code=3,
        said=("locustfile.py:19: It sends requests with another client than self.client, which",),
    ),
    "one of Locust's sessions in a plain user": Case(
        text="""
        from locust.clients import HttpSession
        class Shop(User):
            host = "http://localhost:9/items"
            def on_start(self):
                self.api = HttpSession(self.host, self.environment.events.request, self)
            @task
            def index(self): assert self.api.get("").json()["id"] == 7
        """,
        said=("is replaced by the target. Its path /items is kept.",),
    ),
}
