"""The HTML page in headless Chromium: it loads, sorts, filters and opens a run, from a file and without a network."""

from typing import Any

import numpy as np
import pytest
from chromium import at as at
from chromium import browser as browser
from scipy import stats

from tlx.report import report
from tlx.report.matrix import UNRANKED
from tlx.runs.result import CurvePoint
from tlx.runs.store import Store

WebDriverWait = pytest.importorskip(
    "selenium.webdriver.support.ui", reason="selenium is not installed (the extra `browser`)"
).WebDriverWait


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


def show(browser, folder, results, **options):
    """The page of results in the browser."""
    store = Store(folder)
    for result in results:
        store.write(result)
    path = folder / "page.html"
    path.write_text(report(folder, "html", **options))
    browser.get("about:blank")
    browser.get(path.as_uri())


def opened(page, expected=True):
    """Waits until the dialog is open, or closed: an address is followed a little later."""

    def is_so(page):
        return (find(page, "#cell")[0].get_attribute("open") is not None) == expected

    return WebDriverWait(page, 20).until(is_so)


def find(page, selector):
    return page.find_elements("css selector", selector)


def names(page):
    return [button.text for button in find(page, "#results a.open")]


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
    (opener,) = [button for button in find(page, "#results a.open") if button.text == "mmd"][:1]
    opener.click()
    assert opened(page) and find(page, "#head")[0].text == "mmd on a → b"
    told = find(page, "#body")[0].text
    assert told.startswith("a → b (p-28, net)")
    assert "Confusion matrix" in told and "Run it again" in told and "tlx run" in told
    assert len(find(page, "#body .images img")) == 2 and "✓ x" in told and "✗ x, is y" in told
    marks = [len(find(page, f"#body .pair svg .{kind}")) for kind in ("point.source", "point.target")]
    assert marks == [4, 4]  # two rows of each domain, before and after
    find(page, "#body input[type=checkbox]")[0].click()
    assert [text.text for text in find(page, "#body text.glyph")] == ["x", "y", "y", "y"] * 2
    find(page, "#close")[0].click()
    assert opened(page, False)


def test_a_run_has_an_address_and_back_works(page):
    link = find(page, "#results a.open")[0]
    address, before = link.get_attribute("href"), page.current_url
    link.click()
    assert opened(page) and page.current_url == address and "#run=" in address
    head = find(page, "#head")[0].text
    page.back()
    assert opened(page, False) and page.current_url == before
    page.forward()
    assert opened(page)
    find(page, "#close")[0].click()
    assert WebDriverWait(page, 20).until(lambda page: "#run=" not in page.current_url) and opened(page, False)
    page.get("about:blank")
    page.get(address)
    assert opened(page) and find(page, "#head")[0].text == head
    page.get(f"{address}0")
    assert opened(page, False) and "which is not on this page" in find(page, "#count")[0].text


def test_the_matrix_leads_to_runs(page):
    rows = {row.find_element("tag name", "th").text: row for row in find(page, "#scores tbody tr")}
    assert [head.text for head in find(page, "#scores thead th")] == ["strategy", "a → b", "a → c", "average", "IQM"]
    words = rows["mmd"].text.split()
    assert words[1] == "0.610" and words[-2:] == ["±0.127", "0.610"]
    assert rows["bsp"].text.split() == ["bsp", "failed", "–", "–"]
    rows["mmd"].find_elements("css selector", "a")[1].click()
    assert opened(page)
    assert find(page, "#head")[0].text == "mmd on a → c"


def test_without_ranks_it_says_why(browser, make, tmp_path):
    show(browser, tmp_path, [make("mmd", (0.5, 0.6)), make("kl", (0.5, 0.6))])
    assert find(browser, "#ranks")[0].text == f"N{UNRANKED[1:]}; here 2 on 1."
    assert not find(browser, "#methods")[0].is_displayed() and "Methods by tasks" not in find(browser, "nav")[0].text


def test_the_tests_are_those_of_scipy(page):
    """Also with ties, and with a pair without a difference, which scipy tests exactly up to 13 pairs."""
    for n in (3, 4, 7, 8):
        one, other = np.random.default_rng(n).integers(1, 40, (2, n)) / 64
        other[0] = one[0]
        gaps = (one - other).tolist()
        told = page.execute_script("return [tTest(arguments[0]), wilcoxon(arguments[0]).p]", gaps)
        every: Any = stats.PermutationMethod(n_resamples=2**n)
        tests: list[Any] = [stats.ttest_rel(one, other), stats.wilcoxon([gap for gap in gaps if gap], method=every)]
        assert told == pytest.approx([test.pvalue for test in tests], abs=1e-12)
    assert page.execute_script("return [tTest([0.1]), tTest([0.25, 0.25]), wilcoxon([0, 0]).p]") == [None] * 3


def test_three_seeds_cannot_show_anything_and_it_says_so(browser, make, tmp_path):
    show(browser, tmp_path, [make("mmd", (0.6, 0.7, 0.8)), make("kl", (0.1, 0.21, 0.32))])
    told = find(browser, "#verdict")[0].text
    assert told.startswith("mmd is 0.490 above kl on average, but 3 seeds cannot show that this is more than chance: ")
    assert "Wilcoxon's p is never below 0.25 with so few pairs, and six are needed to reach 0.05." in told


def test_two_methods_are_paired_over_tasks_and_seeds(browser, make, tmp_path):
    draw = np.random.default_rng(2)
    scores = {"mmd": draw.uniform(0.5, 0.7, (6, 2)), "kl": draw.uniform(0.4, 0.6, (6, 2))}
    results = [
        make(name, tuple(row), task=f"a->{task}")
        for name, rows in scores.items()
        for task, row in zip("bcdefg", rows, strict=True)
    ]
    show(browser, tmp_path, [*results, make("kl", (0.4, 0.4), task="x->y")])
    rows = [[cell.text for cell in row.find_elements("xpath", "*")] for row in find(browser, "#pairs tbody tr")]
    assert [row[4] for row in rows] == ["2"] * 6 + ["12", "6"]
    gaps = scores["mmd"] - scores["kl"]
    assert (gaps < 0).any()
    for row, values in ((rows[6], gaps.ravel()), (rows[7], gaps.mean(1))):
        tests: list[Any] = [stats.ttest_1samp(values, 0), stats.wilcoxon(values)]
        assert row[5:] == [f"{test.pvalue:.3f}" for test in tests]
    assert rows[7][6] == "0.031"
    sentence = "Over 6 tasks this is more than chance would give: Wilcoxon's p is 0.031."
    assert sentence in find(browser, "#verdict")[0].text


def test_published_figures_and_class_names(browser, make, figure, tmp_path):
    result = make("mmd", (0.5, 0.6), classes=("aircraft carrier",))
    results = [result, make("mmd", (0.5, 0.6), task="a->c")]
    show(browser, tmp_path, results, published=lambda _: {result.spec.hash: [figure]})
    assert "0.821 lower" in find(browser, "#scores")[0].text and "0.821 lower" in find(browser, "#results")[0].text
    find(browser, "#scores a.open")[0].click()
    assert opened(browser)
    told = find(browser, "#body")[0].text
    assert "Doe <b>, Table 1" in told and "0.821 ±0.005" in told and "lower (short)" in told
    assert find(browser, ".matrix tbody th")[0].text == "aircraft carrier"


def test_a_run_that_failed_says_why_and_its_words_are_no_markup(page):
    (opener,) = [button for button in find(page, "#results a.open") if button.text == "bsp"]
    opener.click()
    assert opened(page)
    assert "failed: it <b>broke</b>" in find(page, "#body")[0].text and not find(page, "#body b")


@pytest.mark.parametrize("width", [1280, 390])
def test_long_names_neither_clip_nor_push_columns_out(browser, at, make, tmp_path, width):
    path = "/data/" + "a_very_long_folder/" * 8
    results = [
        make(name, (0.5, 0.6), task=f"folder:{path}{one}->folder:{path}{two}", classes=("c" * 80,),
             settings=(("weights", f"{path}{weights}"),), backbone="b" * 60)
        for name in ("mmd", "s" * 90) for weights in "xy"
        for one, two in (("synthetic_images" * 3, "photographs"), ("photographs", "synthetic_images" * 3))
    ]  # fmt: skip
    at(width)
    show(browser, tmp_path, results)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    clipped = """return [...document.querySelectorAll(arguments[0])]
        .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.ariaLabel)"""
    whole = "main > section > .scroll, #matrix .scroll, #test .scroll, #ranks .scroll"
    assert browser.execute_script(clipped, whole) == []
    assert path + "x" in names(browser)[0]
    for label in ("T1", "average"):
        [head] = [head for head in find(browser, "#scores thead th") if head.text == label]
        assert head.rect["x"] + head.rect["width"] <= width
    find(browser, "#results a.open")[0].click()
    assert opened(browser)
    assert browser.execute_script("return document.querySelector('#cell').scrollWidth") <= width
    assert browser.execute_script(clipped, "#body .scroll") == []
    assert browser.get_log("browser") == []


def test_it_fits_a_phone(page, at):
    at(390)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    find(page, "#results a.open")[0].click()
    assert opened(page)
    assert page.execute_script("return document.querySelector('#cell').scrollWidth") <= 390
