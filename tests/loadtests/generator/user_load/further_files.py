"""Locustfiles that use much of Locust, and files with mistakes."""

from __future__ import annotations

from collections.abc import Mapping

from tests.loadtests.generator.user_load.case import Case

CASES: Mapping[str, Case] = {
    "gzip, redirects, JSON chains and uploads": Case(
        text="""
        class Shop(HttpUser):
            @task
            def everything(self):
                assert len(self.client.get("/gzip").content) == 1000
                moved = self.client.get("/moved")
                assert moved.history[0].status_code == 302 and moved.url.endswith("/")
                item = self.client.post("/items", json={"name": "x"}).json()["id"]
                self.client.get(f"/items?id={item}", name="/items?id=[id]")
                sent = self.client.post("/upload", files={"f": ("a.bin", b"x" * 1_000_000)})
                assert sent.json()["bytes"] > 1_000_000
        """,
    ),
    "the same with FastHttpUser": Case(
        text="""
        class Shop(FastHttpUser):
            @task
            def everything(self):
                assert len(self.client.get("/gzip").content) == 1000
                assert self.client.get("/moved").status_code == 200
                item = self.client.post("/items", json={"name": "x"}).json()["id"]
                self.client.get(f"/items?id={item}", name="/items?id=[id]")
                sent = self.client.post("/upload", files={"f": ("a.bin", b"x" * 1_000_000)})
                assert sent.json()["bytes"] > 1_000_000
        """,
    ),
    "a form with a CSRF token and FastHttpUser": Case(
        text="""
        import re
        class Shop(FastHttpUser):
            @task
            def form(self):
                page = self.client.get("/form").text
                token = re.search('name="csrf" value="([^"]+)"', page).group(1)
                assert self.client.post("/form", data={"csrf": token}).text == "thanks"
        """,
    ),
    "nested and sequential TaskSets": Case(
        text="""
        class Shop(HttpUser):
            @task
            class Browse(SequentialTaskSet):
                def on_start(self): self.item = None
                @task
                def create(self): self.item = self.client.post("/items").json()["id"]
                @task
                class Look(TaskSet):
                    @task
                    def look(self): self.client.get(f"/items/{self.parent.item + 0}")
                    @task
                    def leave(self): self.interrupt()
                @task
                def back(self): self.interrupt()
        """,
    ),
    "a task that needs one behind it": Case(
        text="""
        class Shop(HttpUser):
            @task
            def use(self): self.client.get(f"/items/{self.item}")
            @task
            def make(self): self.item = self.client.post("/items").json()["id"]
        """,
    ),
    "events, options and the environment": Case(
        text="""
        seen = []
        @events.init_command_line_parser.add_listener
        def add(parser): parser.add_argument("--page", default="/")
        @events.test_start.add_listener
        def start(environment, **_): seen.append(environment.parsed_options.page)
        @events.request.add_listener
        def ended(request_type, name, response_time, response_length, exception, **_):
            assert response_length == 6, response_length
            seen.append(name)
        class Shop(HttpUser):
            @task
            def index(self):
                assert self.environment.runner.worker_index == 0
                assert self.client.get(self.environment.parsed_options.page).ok
                assert seen == ["/", "/"], seen
        """,
    ),
    "adapters of requests": Case(
        text="""
        from requests.adapters import HTTPAdapter
        class Shop(HttpUser):
            def on_start(self): self.client.mount("http://", HTTPAdapter(max_retries=2))
            @task
            def index(self): assert self.client.get("/").text.startswith("GET")
        """,
        said=("Shop runs on requests", "several times the CPU", "locustfile.py:5"),
    ),
    "headers, cookies and authentication": Case(
        text="""
        from requests.auth import HTTPBasicAuth
        class Shop(HttpUser):
            def on_start(self):
                self.client.headers.update({"Accept-Language": "de"})
                self.client.headers["X-A"] = "b"
                self.client.cookies.set("a", "b")
                self.client.verify = False
                self.client.auth = ("ada", "secret")
            @task
            def index(self):
                sent = self.client.get("/", auth=HTTPBasicAuth("bob", "x"), timeout=(1, 2)).request
                assert sent.headers["authorization"] == "Basic Ym9iOng=", sent.headers
                sent = self.client.get("/", headers={"x-a": "c"}, cookies={"d": "e"}).request
                assert sent.headers["X-A"] == "c" and sent.headers["cookie"] == "a=b; d=e"
                assert sent.headers["Accept-Language"] == "de"
                assert self.client.cookies["a"] == "b" and "d" not in self.client.cookies
        """,
    ),
    "headers and cookies set as a whole": Case(
        text="""
        class Shop(HttpUser):
            def on_start(self):
                self.client.headers = {"Authorization": "Bearer 7"}
                self.client.cookies = {"a": "b"}
            @task
            def index(self):
                sent = self.client.get("/").request.headers
                assert sent["Authorization"] == "Bearer 7" and sent["Cookie"] == "a=b"
                assert "host" in sent and "User-Agent" not in sent
        """,
    ),
    "requests that nobody counts": Case(
        text="""
        import requests
        class Shop(HttpUser):
            @task
            def index(self):
                self.client.get("/")
                requests.get(self.host + "/items")
        """,
        code=3,
        said=("locustfile.py:8", "another client than self.client"),
    ),
    "catch_response without a with block": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/", catch_response=True)
        """,
        said=("catch_response=True", "GET /"),
    ),
    "a redirect to elsewhere": Case(
        text="""
        class Shop(HttpUser):
            @task
            def away(self): self.client.get("/away")
            @task
            def index(self): self.client.get("/")
        """,
        said=("A redirect to https://elsewhere.example/ was not followed",),
    ),
    "an environment variable that is missing": Case(
        text="""
        import os
        PAGE = os.environ["SHOP_PAGE"]
        class Shop(HttpUser):
            @task
            def index(self): self.client.get(PAGE)
        """,
        code=2,
        said=("locustfile.py:4: ", "SHOP_PAGE"),
    ),
    "an environment variable that is given": Case(
        text="""
        import os
        PAGE = os.environ["SHOP_OTHER_PAGE"]
        class Shop(HttpUser):
            @task
            def index(self): self.client.get(PAGE)
        """,
        options={"env": {"SHOP_OTHER_PAGE": "/"}},
    ),
    "not Python": Case(
        text="""
        class Shop(HttpUser)
            pass
        """,
        code=2,
        said=("not valid Python", "locustfile.py:3"),
    ),
    "no class": Case(text="x = 1", code=2, said=("no User class",)),
    "no task": Case(
        text="""
        class Shop(HttpUser):
            def index(self): self.client.get("/")
        """,
        code=2,
        said=("Shop has no task",),
    ),
    "an unknown class": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        """,
        options={"classes": ["Shp"]},
        code=2,
        said=("There is no class Shp; there are Shop",),
    ),
    "on_start that raises": Case(
        text="""
        class Shop(HttpUser):
            def on_start(self): self.token = self.client.get("/").json()["token"]
            @task
            def index(self): self.client.get("/", headers={"A": self.token})
        """,
        code=3,
        said=("locustfile.py:4: Shop.on_start fails: JSONDecodeError",),
    ),
    "two mistakes at once": Case(
        text="""
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/broken")
            @task
            def other(self): self.client.get(undefined)
            @task
            def away(self): self.client.get("https://shop.example.com/x")
        """,
        code=2,
        said=(
            "GET /broken was answered with 500, in each of 3 tries",
            "locustfile.py:7: Shop.other fails: NameError",
            "https://shop.example.com/x",
        ),
    ),
    "a Markov chain": Case(
        text="""
        class Walk(MarkovTaskSet):
            @transition("two")
            def one(self): self.client.get("/one")
            @transition("one")
            def two(self): self.client.get(undefined)
        class Shop(HttpUser):
            tasks = [Walk]
        """,
        code=3,
        said=("Walk.two fails: NameError",),
    ),
    "another host when it is imported": Case(
        text="""
        import requests
        DATA = requests.get("http://data.example.com/users").json()
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        """,
        code=2,
        said=("locustfile.py:4: It asks data.example.com, which is not the target",),
    ),
    "a base class that is not abstract": Case(
        text="""
        class Base(HttpUser):
            def on_start(self): self.client.headers["X"] = "1"
        class Shop(Base):
            @task
            def index(self): self.client.get("/")
        """,
        said=("Without a task, and so left out: Base",),
    ),
    "no request": Case(
        text="""
        class Shop(User):
            @task
            def think(self): pass
        """,
        code=3,
        said=("None of its tasks sends a request",),
    ),
    "a listener that fails": Case(
        text="""
        @events.test_start.add_listener
        def start(environment, **_): environment.nothing.at_all()
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        """,
        said=("locustfile.py:4: a listener of an event fails: AttributeError",),
    ),
}
