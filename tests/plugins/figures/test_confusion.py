import dataclasses

import pytest

from tlx.errors import ResultError, SettingError
from tlx.runs.result import Selection


def test_cells_are_percent_of_the_true_class(show, run):
    [ax] = show([run("mmd", (0.5, 0.6), classes=("cat", "dog"))], "confusion").axes
    assert ax.images[0].get_array().tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert [text.get_text() for text in ax.texts] == ["75", "25", "25", "75"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["cat", "dog"] and ax.get_title() == "a → b: mmd"


def test_many_classes_have_no_numbers_and_few_names(show, run):
    [ax] = show([run("mmd", (0.5, 0.6), classes=tuple(f"c{at}" for at in range(65)))], "confusion").axes
    assert not ax.texts and len(ax.get_xticks()) == 22


def test_long_names_fit(show, long):
    show(long[:2], "confusion")


def test_what_has_none_or_too_much_is_refused(show, run):
    with pytest.raises(SettingError, match="at most 9 runs, and here are 10"):
        show([run(f"s{at}", (0.5, 0.6)) for at in range(10)], "confusion")
    real = run("mmd", (0.5, 0.6))
    bare = [dataclasses.replace(score, confusion=[], recall=[]) for score in real.selections["last"].scores]
    real = dataclasses.replace(real, metric="r2", selections={"last": Selection(False, bare)})
    with pytest.raises(ResultError, match="the targets have no classes"):
        show([real], "confusion")
