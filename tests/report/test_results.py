import sys

import pytest

from tlx.errors import ResultError, SettingError
from tlx.report import Results
from tlx.runs.store import Store


def test_a_folder_gives_its_results_and_is_remembered(results, tmp_path):
    for result in results:
        Store(tmp_path).write(result)
    found = Results.load(str(tmp_path))
    assert sorted(found, key=str) == sorted(results, key=str) and found.folder == tmp_path
    assert Results(results).folder is None and len(Results(results)) == 5
    (tmp_path / "empty").mkdir()
    for folder, told in (("none", "does not exist"), ("empty", "holds no result; `tlx bench SUITE --out")):
        with pytest.raises(ResultError, match=told):
            Results.load(tmp_path / folder)
    for name in ("b-c", "a-b"):
        (tmp_path / "empty" / name).mkdir()
        Store(tmp_path / "empty" / name).write(results[0])
    (tmp_path / "empty/notes").mkdir()
    with pytest.raises(ResultError, match=r"holds no result; in it do \S+empty/a-b, \S+empty/b-c\.$"):
        Results.load(tmp_path / "empty")


def test_a_notebook_shows_the_tables_of_the_report(results, make):
    text = Results(results)._repr_html_()
    assert "<caption>a-&gt;b (p-28, net)</caption>" in text and "<th>oracle ‡</th>" in text
    assert "<td>coral</td>" in text and "no | good" in text
    assert "<img" not in Results([make("mmd", error="<img src=x>")])._repr_html_()


def test_a_frame_of_several_and_of_one(results):
    pytest.importorskip("pandas", reason="pandas is not installed")
    frame = Results(results).to_frame()
    assert len(frame) == 4 * 2 * 3 + 1 and len(results[1].to_frame()) == 6
    last = frame[frame.selection == "last"]
    assert last.groupby("strategy").score.mean()["mmd"] == pytest.approx(0.74)


def test_without_pandas_it_says_how_to_get_it(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SettingError, match=r"pip install 'tlx\[pandas\]'"):
        Results(results).to_frame()
