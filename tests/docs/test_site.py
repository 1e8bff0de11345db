"""The site builds without a warning, and in Chromium its pages fit the screen, log nothing, and are found."""

import subprocess
import sys

import pytest
from chromium import at as at
from chromium import browser as browser
from documents import DOCS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package, reason=f"the site needs {package}: pip install 'tlx[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=DOCS.parent)
    assert done.returncode == 0, done.stderr
    return folder


def test_it_builds_without_a_warning(site):
    assert (site / "index.html").is_file()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_fits_the_screen(browser, at, site, width, scheme):
    """What is wider, tables and code, scrolls in a box of its own; and no page logs an error."""
    at(width, scheme)
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    red = "return Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
    for page in pages:
        browser.get(page.as_uri())
        assert browser.execute_script("return document.scrollingElement.scrollWidth") <= width, page.name
        assert (browser.execute_script(red) > 127) == (scheme == "light"), page.name
        assert browser.get_log("browser") == [], page.name


@pytest.mark.parametrize(("word", "place"), [("mmd", "Strategies > mmd"), ("label shift", "Label shift, corrected")])
def test_a_search_finds(browser, at, site, word, place):
    from selenium.webdriver.support.ui import WebDriverWait

    at(1280)
    browser.get(f"{(site / 'search.html').as_uri()}?q={word}")

    def titles(browser):
        return [link.text for link in browser.find_elements("css selector", "#search-results li > a")]

    assert WebDriverWait(browser, 60).until(lambda browser: place in titles(browser)), titles(browser)
    assert browser.get_log("browser") == []
