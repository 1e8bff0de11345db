"""The HTML page in headless Chromium: it loads, sorts, filters and opens a run, from a file and without a network."""

import shutil

import pytest

from tlx.report import report
from tlx.runs.result import CurvePoint
from tlx.runs.store import Store

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (the extra `browser`)")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    "disable-component-update disable-sync"
)
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or chromedriver is not installed")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for flag in (*FLAGS.split(), f"user-data-dir={tmp_path_factory.mktemp('profile')}", "window-size=1280,900"):
        options.add_argument(f"--{flag}")
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, make, kept, tmp_path):
    """The page of two methods on two tasks, and one that failed; `mmd` on a->b kept its features."""
    store = Store(tmp_path)
    curves = [CurvePoint("train", step, {"loss": [1.0, 0.5]}, [0.6, 0.7], [0.2, 0.1 * step], {}) for step in (2, 4)]
    scores = {"kl": 0.5, "mmd": 0.6, "dann": 0.7}
    results = [
        make(name, (score, score + 0.02), task=task, curves=curves)
        for task in ("a->b", "a->c")
        for name, score in scores.items()
    ]
    for result in [*results, make("bsp", error="it <b>broke</b>")]:
        store.write(result)
    store.keep(results[1].spec, kept)
    path = tmp_path / "page.html"
    path.write_text(report(tmp_path, "html"))
    browser.get(path.as_uri())
    yield browser
    assert browser.get_log("browser") == []


def find(page, selector):
    return page.find_elements("css selector", selector)


def names(page):
    return [button.text for button in find(page, "#results button.open")]


def test_it_loads_with_all_of_its_sections(page):
    assert len(names(page)) == 7 and find(page, "#count")[0].text == "7 of 7 runs"
    assert "mean ranks: dann 1.0, mmd 2.0, kl 3.0" in str(find(page, "#ranks svg")[0].get_attribute("aria-label"))
    assert len(find(page, "#selectors table")) == 4


def test_it_sorts(page):
    heads = find(page, "#results thead th")
    place = [head.text for head in heads].index("accuracy")
    assert {head.get_attribute("aria-sort") for head in heads} == {"none"}
    for order, first in (("descending", "dann"), ("ascending", "kl")):
        find(page, "#results thead button")[place].click()
        assert find(page, "#results thead th")[place].get_attribute("aria-sort") == order
        assert names(page)[0] == first and names(page)[-1] == "bsp"  # what has no score comes last
    assert page.switch_to.active_element.text == "accuracy"


def test_it_filters(page):
    find(page, "#filter")[0].send_keys("mm")
    assert names(page) == ["mmd", "mmd"] and find(page, "#count")[0].text == "2 of 7 runs"
    find(page, "#task option")[1].click()
    assert names(page) == ["mmd"]


def test_it_opens_a_run(page):
    (opener,) = [button for button in find(page, "#results button.open") if button.text == "mmd"][:1]
    opener.click()
    assert find(page, "#cell")[0].get_attribute("open") and find(page, "#head")[0].text == "mmd on a → b (p-28, net)"
    told = find(page, "#body")[0].text
    assert "Confusion matrix" in told and "Run it again" in told and "tlx run" in told
    assert len(find(page, "#body .images img")) == 2 and "✓ x" in told and "✗ x, is y" in told
    marks = [len(find(page, f"#body .pair svg .{kind}")) for kind in ("point.source", "point.target")]
    assert marks == [4, 4]  # two rows of each domain, before and after
    find(page, "#body input[type=checkbox]")[0].click()
    assert [text.text for text in find(page, "#body text.glyph")] == ["x", "y", "y", "y"] * 2
    find(page, "#close")[0].click()
    assert not find(page, "#cell")[0].get_attribute("open")


def test_a_run_that_failed_says_why_and_its_words_are_no_markup(page):
    (opener,) = [button for button in find(page, "#results button.open") if button.text == "bsp"]
    opener.click()
    assert "failed: it <b>broke</b>" in find(page, "#body")[0].text and not find(page, "#body b")


def test_a_long_name_leaves_the_scores_in_view(browser, make, tmp_path):
    store = Store(tmp_path)
    for weight in (0.25, 0.75):
        settings = tuple((f"setting_{name}", weight) for name in "abcdef")
        task = "svhn_cropped->mnist_multi"
        store.write(make("mmd", (0.5, 0.6), task=task, settings=settings))
    (tmp_path / "page.html").write_text(report(tmp_path, "html"))
    browser.get((tmp_path / "page.html").as_uri())
    assert "setting_f" in names(browser)[0]
    head = next(head for head in find(browser, "#results thead th") if head.text == "accuracy")
    assert head.rect["x"] + head.rect["width"] < 1280


def test_it_fits_a_phone(page):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    find(page, "#results button.open")[0].click()
    assert page.execute_script("return document.querySelector('#cell').scrollWidth") <= 390
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
