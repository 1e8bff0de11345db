import numpy as np
import pytest

from tlx.errors import ResultError, SettingError
from tlx.report import Results
from tlx.runs.store import Store


def kept(classes):
    points = np.linspace(-1, 1, 16).reshape(2, 4, 2).astype(np.float32)
    return {
        "points": points,
        "predicted": np.zeros((2, 4), np.int16),
        "steps": np.array([2, 6]),
        "source": np.array([True, True, False, False]),
        "y": np.array([0, 1, 1, 5], np.int16),
        "classes": np.array(classes),
    }


@pytest.fixture
def folder(tmp_path):
    def write(results, classes=("x", "y")):
        store = Store(tmp_path)
        for result in results:
            store.write(result)
            store.keep(result.spec, kept(classes))
        return Results.load(tmp_path)

    return write


def test_before_and_after_with_a_mark_for_each_domain(show, run, folder):
    figure = show(folder([run("mmd", (0.5, 0.7))]), "embedding")
    assert [ax.get_title().replace("\n", " ") for ax in figure.axes] == ["a → b: mmd, step 2", "a → b: mmd, step 6"]
    for ax, points in zip(figure.axes, kept("xy")["points"], strict=True):
        source, target = ax.collections
        np.testing.assert_allclose(source.get_offsets(), points[:2])
        np.testing.assert_allclose(target.get_offsets(), points[2:])
        assert len(source.get_paths()[0].vertices) != len(target.get_paths()[0].vertices), "other marks"
        assert [text.get_text() for text in ax.texts] == ["y", "unknown"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["source", "target"]


def test_long_names_fit(show, long, folder):
    show(folder(long[:2], ("a class of a long name", "another class of a long name")), "embedding")


def test_what_kept_none_or_is_too_much_is_named(show, run, folder):
    with pytest.raises(ResultError, match="no embedding of a->b mmd, .*--keep-embeddings"):
        show([run("mmd", (0.5, 0.7))], "embedding")
    with pytest.raises(SettingError, match="at most 6 runs, and here are 7"):
        show(folder([run(f"s{at}", (0.5, 0.7)) for at in range(7)]), "embedding")
