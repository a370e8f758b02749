"""What a person sees: report.html in a real browser. Pictures are kept in .cache/screenshots."""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from loadtests import pipeline
from loadtests.analysis.profiles.comparison import profiles_of
from loadtests.model.plan import Cell
from loadtests.model.profiles.records import CellProfile
from loadtests.model.result import RunResult
from loadtests.model.trial import Trial
from loadtests.report.formats import html
from loadtests.results.run_folder import Store
from tests.checkout import CHECKOUT
from tests.loadtests.analysis.profiles.builders import make_profile
from tests.loadtests.builders import make_facts, make_plan, make_result, make_trials, noisy_rps
from tests.loadtests.report import browser
from tests.loadtests.report.generated import NASTY

PICTURES = CHECKOUT / ".cache/screenshots"
WORKERS = ("gthread", "sync", "gevent")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (browser.CHROMIUM and browser.CHROMEDRIVER), reason=browser.MISSING),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    driver = browser.start()
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def run() -> tuple[RunResult, tuple[Trial, ...]]:
    plan = make_plan(workers=WORKERS, workloads=("cpu", "io"), rounds=6)
    trials = make_trials(plan, rps=noisy_rps(spread=0.03))
    return make_result(plan, trials, profiles=profiles_of(looked_at(plan.cells))), trials


def looked_at(cells: Sequence[Cell]) -> list[CellProfile]:
    """Return a profile of each cell, whose requests wait longer with more replicas."""
    return [
        make_profile([(0,) * cell.replicas + (1, 1)] * 40, cell=cell, looking_cpus=0.2)
        for cell in cells
    ]


@pytest.fixture(scope="module")
def page(run: tuple[RunResult, tuple[Trial, ...]], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html.render(*run, live=False))
    return path.as_uri()


def write(path: Path, text: str) -> None:
    """Write as the store does: a reader sees the old file or the new one."""
    half = path.with_suffix(".part")
    half.write_text(text)
    half.replace(path)


def text_of(driver: Chrome, selector: str = "main") -> str:
    """Return the shown text; a page that reloads in that moment is read once it is there again."""
    waiting = WebDriverWait(
        driver, 5, 0.05, [NoSuchElementException, StaleElementReferenceException]
    )
    text: str = waiting.until(lambda _: [driver.find_element(By.CSS_SELECTOR, selector).text])[0]
    return text


@pytest.mark.parallel
def test_the_page_asks_for_nothing_but_itself_and_the_console_stays_empty(
    chromium: Chrome, page: str
) -> None:
    browser.requests(chromium)
    browser.complaints(chromium)

    chromium.get(page)

    assert [url for url in browser.requests(chromium) if not url.startswith("data:")] == [page]
    assert browser.complaints(chromium) == []


def test_the_page_is_there_within_two_seconds(chromium: Chrome, page: str) -> None:
    chromium.get(page)

    took_ms = chromium.execute_script(
        "const [entry] = performance.getEntriesByType('navigation'); return entry.loadEventEnd"
    )
    assert took_ms < 2000


@pytest.mark.parallel
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(chromium: Chrome, page: str, dark: bool) -> None:
    axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text()
    browser.look(chromium, dark=dark)
    chromium.get(page)
    chromium.execute_script(axe)

    found: dict[str, Any] = chromium.execute_async_script(
        "axe.run(document).then(arguments[arguments.length - 1])"
    )

    serious = [each for each in found["violations"] if each["impact"] in {"serious", "critical"}]
    assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == []


@pytest.mark.parallel
def test_nothing_scrolls_sideways_on_a_narrow_screen(chromium: Chrome, page: str) -> None:
    browser.look(chromium, width=360)
    chromium.get(page)

    assert chromium.execute_script("return document.documentElement.scrollWidth") <= 360


@pytest.mark.parallel
def test_on_paper_no_table_is_cut_off(chromium: Chrome, page: str) -> None:
    browser.look(chromium, width=718, media="print")  # A4 less two margins of 10 mm, at 96 dpi
    chromium.get(page)

    cut = chromium.execute_script(
        "return [...document.querySelectorAll('.scroll')]"
        ".filter(each => each.scrollWidth > each.clientWidth).map(each => each.ariaLabel)"
    )

    browser.look(chromium)
    assert cut == []


@pytest.mark.parallel
def test_without_javascript_every_figure_is_there(chromium: Chrome, page: str) -> None:
    browser.look(chromium)
    chromium.get(page)
    with_script = text_of(chromium)
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chromium.get(page)
        assert text_of(chromium) == with_script
        assert not chromium.find_element(By.ID, "theme").is_displayed(), (
            "a button that does nothing"
        )
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parallel
def test_the_theme_can_be_chosen(chromium: Chrome, page: str) -> None:
    browser.look(chromium)
    chromium.get(page)
    light = chromium.execute_script("return getComputedStyle(document.body).backgroundColor")
    button = chromium.find_element(By.ID, "theme")

    while "dark" not in button.text:
        button.click()

    dark = chromium.execute_script("return getComputedStyle(document.body).backgroundColor")
    chromium.execute_script("localStorage.clear()")
    assert dark != light


@pytest.mark.parallel
def test_pointing_at_a_dot_tells_its_trial(chromium: Chrome, page: str) -> None:
    browser.look(chromium)
    chromium.get(page)
    dot = chromium.find_element(By.CSS_SELECTOR, "#throughput .dot")

    chromium.execute_script(
        "arguments[0].dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))", dot
    )

    assert text_of(chromium, "#tip") == dot.get_attribute("data-tip")
    assert "gthread cpu ×1, round 1" in text_of(chromium, "#tip")


@pytest.mark.parallel
def test_names_from_users_are_text(chromium: Chrome, tmp_path: Path) -> None:
    plan = make_plan(workers=NASTY, workloads=(NASTY[0],), replica_counts=(1, 2), rounds=2)
    path = tmp_path / "report.html"
    path.write_text(html.render(make_result(plan), make_trials(plan), live=False))
    browser.look(chromium, width=360)
    browser.complaints(chromium)

    chromium.get(path.as_uri())

    assert len(chromium.find_elements(By.TAG_NAME, "script")) == 1
    assert NASTY[0] in text_of(chromium)
    assert browser.complaints(chromium) == []
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= 360


def test_a_live_page_shows_new_trials_within_five_seconds_and_the_final_one_rests(
    chromium: Chrome, run: tuple[RunResult, tuple[Trial, ...]], tmp_path: Path
) -> None:
    result, trials = run
    path = tmp_path / "report.html"
    write(path, html.render(make_result(result.plan, trials[:18]), trials[:18], live=True))
    chromium.get(path.as_uri())
    assert "1 complete rounds of 4 to 12, 18 trials" in text_of(chromium, ".live")

    write(path, html.render(make_result(result.plan, trials[:40]), trials[:40], live=True))
    until = time.monotonic() + 5
    while "40 trials" not in text_of(chromium) and time.monotonic() < until:
        time.sleep(0.1)
    assert "40 trials" in text_of(chromium)

    write(path, html.render(result, trials, live=False))
    chromium.get(path.as_uri())
    assert chromium.find_elements(By.CSS_SELECTOR, "meta[http-equiv=refresh], .live") == []


class Growing(threading.Thread):
    """A run whose journal grows by a trial every ``pace_s``, and whose page is written as in one.

    ``appended`` has the moment of each trial; ``halves`` what a reader saw that was no whole page.
    """

    def __init__(self, kept: Store, trials: Sequence[Trial], pace_s: float) -> None:
        super().__init__()
        self._kept = kept
        self._trials = trials
        self._pace_s = pace_s
        self.appended: list[float] = []
        self.halves: list[str] = []

    def run(self) -> None:
        with pipeline._LiveReport(self._kept) as live:
            for trial in self._trials:
                self._read_for(self._pace_s)
                self._kept.append(trial, b"")
                self.appended.append(time.monotonic())
                live.update()
        pipeline.report(self._kept)
        self._read_for(4)

    def _read_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            page = self._kept.folder / "report.html"
            text = page.read_text() if page.exists() else "</html>"
            if not text.endswith("</html>"):
                self.halves.append(text[-200:])
            time.sleep(0.02)


def shown_trials(driver: Chrome) -> int | None:
    """Give how many trials the page tells of, None while it is being read again."""
    script = "return document.getElementById('method') && document.querySelector('.live').innerText"
    try:
        text: str | None = driver.execute_script(script)
    except WebDriverException:
        return None
    found = re.search(r"(\d+) trials", text or "")
    return int(found[1]) if found else None


@pytest.mark.parallel
@pytest.mark.parametrize("pace_s", [0.7, 1.9, 3.2])
def test_a_page_that_was_opened_during_a_run_follows_it_within_five_seconds(
    chromium: Chrome, run: tuple[RunResult, tuple[Trial, ...]], tmp_path: Path, pace_s: float
) -> None:
    result, trials = run
    kept = Store.create(tmp_path, "a-run")
    kept.begin(make_facts(finished=False), result.machine, result.plan)
    growing = Growing(kept, trials[: round(14 / pace_s)], pace_s)
    growing.start()
    browser.complaints(chromium)
    page = kept.folder / "report.html"
    while not page.exists():
        time.sleep(0.05)
    chromium.get(page.as_uri())
    seen: list[tuple[float, int]] = []
    while growing.is_alive():
        shown = shown_trials(chromium)
        if shown is not None:
            seen.append((time.monotonic(), shown))
        time.sleep(0.1)
    growing.join()

    assert growing.halves == []
    assert browser.complaints(chromium) == []
    assert len({count for _, count in seen}) > 2, "the page never changed"
    late = [
        (round(at_s - growing.appended[shown], 1), shown + 1)
        for at_s, shown in seen
        if shown < len(growing.appended) and at_s - growing.appended[shown] > 5
    ]
    assert late == [], "seconds after which a trial was still not shown"
    assert "Measuring" not in text_of(chromium, "h1"), "the last page rests"


@pytest.mark.parallel
@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("light", {}),
        ("dark", {"dark": True}),
        ("print", {"media": "print", "width": 794}),
        ("narrow", {"width": 360}),
    ],
)
def test_pictures_are_kept_for_people(
    chromium: Chrome, page: str, name: str, view: dict[str, Any]
) -> None:
    browser.look(chromium, **view)
    chromium.get(page)
    path = PICTURES / f"report-{name}.png"

    browser.screenshot(chromium, path)

    assert path.read_bytes().startswith(b"\x89PNG")
    browser.look(chromium)
