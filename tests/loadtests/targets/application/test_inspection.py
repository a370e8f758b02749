"""What an import of an application shows: how it is found, what it is, and what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets.application import inspection
from loadtests.targets.application.inspection import Inspection
from loadtests.tools import proc, procfs
from tests.loadtests.targets.application.folders import FLASK, make_folder

APP = "def app(environ, start_response): ...\n"
FLASK_APP = FLASK + "app = Flask(__name__)\n"
FACTORY = "def create_app(config=None, debug=False):\n    return lambda environ, start: None\n"


def inspected(
    folder: Path,
    files: dict[str, str],
    application: str,
    *,
    env: dict[str, str] | None = None,
    limit_s: float = 30.0,
) -> Inspection:
    return inspection.inspect(
        application,
        python=sys.executable,
        folder=make_folder(folder, files),
        env=env or {},
        modules=("gunicorn", "no-such-module"),
        limit_s=limit_s,
    )


def refused(
    folder: Path, files: dict[str, str], application: str, *, limit_s: float = 30.0
) -> list[str]:
    with pytest.raises(UsageError) as error:
        inspected(folder, files, application, limit_s=limit_s)
    return str(error.value).splitlines()


@pytest.mark.parametrize(
    ("files", "asked", "application"),
    [
        ({"shop.py": APP}, "shop:app", "shop:app"),
        ({"shop.py": APP}, "shop", "shop:app"),
        ({"shop.py": APP}, "shop.py", "shop:app"),
        ({"shop/__init__.py": "", "shop/web.py": APP}, "shop.web:app", "shop.web:app"),
        ({"shop/__init__.py": "", "shop/web.py": APP}, "shop/web.py", "shop.web:app"),
        ({"wsgi.py": APP.replace("app", "application")}, "", "wsgi:application"),
        ({"app.py": APP}, "", "app:app"),
        ({"app/__init__.py": FACTORY}, "", "app:create_app()"),
        ({"wsgi.py": APP, "app.py": "raise SystemExit"}, "", "wsgi:app"),
        ({"shop.py": FACTORY}, "shop", "shop:create_app()"),
        ({"shop.py": FACTORY}, "shop:create_app", "shop:create_app()"),
        ({"shop.py": FACTORY}, "shop:create_app('x')", "shop:create_app('x')"),
        ({"shop.py": FACTORY.replace("create_app", "make_app")}, "shop", "shop:make_app()"),
        ({"shop.py": FLASK_APP.replace("app =", "site =")}, "shop", "shop:site"),
        ({"shop.py": "def app(*args): ..."}, "shop", "shop:app"),
        ({"shop.py": "class A:\n  def __call__(self, e, s): ...\napp = A()"}, "shop", "shop:app"),
        ({"shop.py": FLASK_APP + "from flask import current_app, request"}, "shop", "shop:app"),
    ],
)  # fmt: skip
def test_an_application_is_found_as_flask_finds_it(
    tmp_path: Path, files: dict[str, str], asked: str, application: str
) -> None:
    assert inspected(tmp_path, files, asked).application == application


def test_what_an_application_is_and_what_its_python_has_is_told(tmp_path: Path) -> None:
    routes = "@app.get('/items/<int:id>')\ndef item(id): return ''\n"

    seen = inspected(tmp_path, {"shop.py": FLASK_APP + routes}, "shop:app")

    assert (seen.framework, seen.what) == ("flask", "flask.app.Flask")
    assert seen.version is not None
    assert seen.version[0].isdigit()
    assert seen.implementation == "CPython"
    assert seen.modules["gunicorn"] is not None
    assert seen.modules["no-such-module"] is None
    assert "/items/<int:id>" in [route.path for route in seen.routes]
    assert seen.source == ""


def test_a_module_below_src_is_imported_from_there(tmp_path: Path) -> None:
    seen = inspected(tmp_path, {"src/shop/__init__.py": APP, "shop/README": ""}, "shop:app")

    assert (seen.application, seen.source) == ("shop:app", "src")


def test_others_of_its_module_are_told(tmp_path: Path) -> None:
    seen = inspected(tmp_path, {"shop.py": FLASK_APP + "admin = Flask('admin')\n"}, "shop")

    assert (seen.application, seen.also) == ("shop:app", ("admin",))


def test_an_application_may_have_a_package_with_the_name_of_ours(tmp_path: Path) -> None:
    files = {
        "loadtests/__init__.py": APP + "HERE = 1\n",
        "shop.py": "from loadtests import HERE, app",
    }

    assert inspected(tmp_path, files, "shop:app").application == "shop:app"


def test_what_an_application_prints_is_no_answer(tmp_path: Path) -> None:
    noisy = "import os, sys\nprint('{}')\nos.write(1, b'{}')\nsys.stderr.write('!')\n" + APP

    assert inspected(tmp_path, {"shop.py": noisy}, "shop:app").application == "shop:app"


def test_variables_reach_the_application(tmp_path: Path) -> None:
    code = "import os\nKEY = os.environ['SHOP_KEY']\n" + APP

    seen = inspected(tmp_path, {"shop.py": code}, "shop:app", env={"SHOP_KEY": "k"})

    assert seen.application == "shop:app"


def test_gunicorns_settings_in_the_folder_are_read_before_the_application(tmp_path: Path) -> None:
    settings = "import os\nworkers = 9\nmax_requests = 1000\nraw_env = ['SHOP_KEY=k']\nspare = os\n"
    code = "import os\nKEY = os.environ['SHOP_KEY']\n" + APP

    seen = inspected(tmp_path, {"gunicorn.conf.py": settings, "shop.py": code}, "shop:app")

    assert seen.gunicorn == {"workers": 9, "max_requests": 1000, "raw_env": "['SHOP_KEY=k']"}


def test_an_exception_is_shown_with_the_applications_own_lines_only(tmp_path: Path) -> None:
    lines = refused(
        tmp_path,
        {
            "shop/__init__.py": "from shop.settings import KEY\n" + APP,
            "shop/settings.py": "import json\n\nKEY = json.loads('{')\n",
        },
        "shop:app",
    )

    assert lines == [
        f"The application does not import: shop, with {sys.executable}.",
        "  shop/__init__.py:1",
        "    from shop.settings import KEY",
        "  shop/settings.py:3",
        "    KEY = json.loads('{')",
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes:"
        " line 1 column 2 (char 1)",
    ]


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (
            "import os\nKEY = os.environ['SHOP_KEY']\n",
            "Variables that it asks for, and that are not set: SHOP_KEY (shop.py:2)."
            " Set what it needs: --env SHOP_KEY=VALUE",
        ),
        (
            "import os\nA = os.getenv('A_B')\nK = os.environ.get('SHOP_KEY')\n"
            "if not K: raise RuntimeError('the key must be set')\n",
            "Variables that it asks for, and that are not set: SHOP_KEY (shop.py:3),"
            " A_B (shop.py:2). Set what it needs: --env SHOP_KEY=VALUE",
        ),
        (
            "import os\nA = os.getenv('A_B')\nK = os.environ.get('SHOP_KEY')\n"
            "assert K, 'SHOP_KEY must be set'\n",
            "Variables that it asks for, and that are not set: SHOP_KEY (shop.py:3)."
            " Set what it needs: --env SHOP_KEY=VALUE",
        ),
        (
            "raise RuntimeError('Set the DATABASE_URL environment variable')\n",
            "Variables that it asks for, and that are not set: DATABASE_URL."
            " Set what it needs: --env DATABASE_URL=VALUE",
        ),
        (
            "import no_such_module\n",
            "That Python has no module no_such_module. Install it there, or name the application's"
            " own Python: --python .venv/bin/python",
        ),
    ],
)
def test_the_way_out_of_an_exception_is_told(tmp_path: Path, code: str, hint: str) -> None:
    assert refused(tmp_path, {"shop.py": code + APP}, "shop:app")[-1] == hint


def test_a_variable_that_the_folders_env_file_has_is_told(tmp_path: Path) -> None:
    files = {"shop.py": "import os\nos.environ['SHOP_KEY']", ".env": "export SHOP_KEY=secret\n"}

    hint = refused(tmp_path, files, "shop:app")[-1]

    assert "The folder's .env has SHOP_KEY; servers do not load it." in hint
    assert "secret" not in hint


def test_the_cause_of_an_exception_is_told(tmp_path: Path) -> None:
    code = "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('no') from e\n"

    lines = refused(tmp_path, {"shop.py": code}, "shop:app")

    assert lines[-2:] == [
        "ValueError: no",
        "(caused by ZeroDivisionError: division by zero)",
    ]


@pytest.mark.parametrize(
    ("code", "asked", "sentence"),
    [
        (APP, "shop:ap", "shop has no 'ap'. It has: app. Did you mean shop:app?"),
        (
            "from flask import Flask, request, session\ndef create_app(): return Flask('a')\n",
            "shop:app",
            "shop has no 'app'. It has: create_app. Did you mean shop:create_app?",
        ),
        (APP, "shpo:app", "Did you mean shop? (If shpo:app is an image: --image shpo:app.)"),
        (APP, "shop:app.wsgi", "'app.wsgi' in shop:app.wsgi is neither a name nor a call"),
        (APP, "shop:make(", "'make(' in shop:make( is neither a name nor a call"),
        (APP, "web/shop.py:app", "There is no web/shop.py in "),
        ("VALUE = 1\n", "shop", "shop has no application that can be found as Flask does"),
        (
            FLASK + "one = Flask('a')\ntwo = Flask('b')\n",
            "shop",
            "shop has several applications, and none is called app or application: one, two."
            " Name one: shop:one",
        ),
        (
            "def create_app(config): ...",
            "shop",
            "create_app() cannot be called: create_app() missing 1 required positional argument:"
            " 'config'. Give the arguments as literals: --app \"shop:create_app('production')\"",
        ),
        (
            "def create_app(): ...",
            "shop",
            "shop:create_app() returns None. A factory ends with `return app`.",
        ),
        ("app = 'x'", "shop:app", "shop:app is neither a WSGI nor an ASGI application, but str."),
        (
            "from flask import Blueprint\nbp = Blueprint('shop', __name__)",
            "shop:bp",
            "shop:bp is neither a WSGI nor an ASGI application, but flask.blueprints.Blueprint.",
        ),
        ("class App: ...", "shop:App", "shop:App is the class shop.App, and no application"),
        (
            FLASK_APP + "class Dash: server = app\ndash = Dash()",
            "shop:dash",
            "Its .server is one: add `server = dash.server` to shop, and name shop:server",
        ),
        ("import sys\nsys.exit('no')", "shop:app", "It ends the process: SystemExit: no"),
        ("import os\nos._exit(7)", "shop:app", "ended its process (code 7)"),
        ("def f(:", "shop:app", "SyntaxError: invalid syntax"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_told_with_what_works(
    tmp_path: Path, code: str, asked: str, sentence: str
) -> None:
    assert sentence in "\n".join(refused(tmp_path, {"shop.py": code}, asked))


def test_an_exception_outside_of_the_application_is_shown_without_our_own_lines(
    tmp_path: Path,
) -> None:
    lines = refused(tmp_path, {"shop.py": "\0"}, "shop:app")

    assert len(lines) == 2
    assert "null bytes" in lines[1]


def test_a_folder_without_an_application_is_told_with_what_it_has(tmp_path: Path) -> None:
    lines = refused(tmp_path, {"shop.py": FLASK_APP, "other.py": ""}, "")

    assert lines == [
        f"No application is named: {tmp_path} has neither wsgi.py nor app.py, and FLASK_APP is not"
        " set. These modules seem to have one: shop. Name it: --app shop"
    ]


def test_a_server_that_is_started_by_the_import_is_told_with_its_line(tmp_path: Path) -> None:
    code = (
        APP
        + "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except Exception: ...\n"
    )

    lines = refused(tmp_path, {"shop.py": code}, "shop:app", limit_s=1)

    assert lines[1:3] == ["  shop.py:5", "    time.sleep(9)"]
    assert "The import did not end in time" in lines[-1]


def test_nothing_that_an_import_starts_stays(tmp_path: Path) -> None:
    code = (
        "import subprocess, threading, time\n"
        "threading.Thread(target=time.sleep, args=(99,)).start()\n"
        "child = subprocess.Popen(['sleep', '99'])\n"
        "open('pid', 'w').write(str(child.pid))\n"
    )

    inspected(tmp_path, {"shop.py": code + APP}, "shop:app")

    pid = int((tmp_path / "pid").read_text())
    proc.wait_until(lambda: procfs.facts_of(pid) is None, limit_s=5, failure="it stays")


def test_gunicorns_daemon_mode_is_refused(tmp_path: Path) -> None:
    lines = refused(tmp_path, {"gunicorn.conf.py": "daemon = True", "shop.py": APP}, "shop:app")

    assert "sets daemon = True" in lines[0]


def test_settings_that_raise_are_told_as_such(tmp_path: Path) -> None:
    lines = refused(tmp_path, {"gunicorn.conf.py": "1 / 0", "shop.py": APP}, "shop:app")

    assert lines[0].startswith("The application does not import: gunicorn.conf.py")
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_program_that_is_no_python_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ended its process"):
        inspection.inspect("shop:app", python="/bin/false", folder=tmp_path, env={}, modules=())


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        inspection.inspect(
            "shop:app", python=sys.executable, folder=tmp_path / "no", env={}, modules=()
        )


MADE_UP = ('{"failure": {"kind": "x"}, "missing": {}}', '{"failure": 5, "missing": 5}', "5", "null")


@pytest.mark.parametrize("written", [*MADE_UP, '{"failure": {}}', "{}", "[" * 100_000])
def test_an_answer_that_an_application_has_made_up_is_one_message(
    tmp_path: Path, written: str
) -> None:
    done = proc.Completed(argv=("python",), code=0, stdout=written, stderr="")

    with pytest.raises(UsageError):
        inspection.parse(done, asked="shop:app", where="the image's Python", folder=tmp_path)
