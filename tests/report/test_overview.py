import pytest

from tlx.errors import ResultError, SettingError, UnknownName
from tlx.report import cells, render
from tlx.report.overview import column, overview


@pytest.fixture
def digits(make):
    bound = {"setting": "bound"}
    return [
        make("source_only", (0.5, 0.5), **bound),
        make("mmd", (0.7, 0.7), (0.9, 0.9)),
        make("mmd", (0.6, 0.6), protocol="P-2000"),
        make("mmd", (0.8, 0.8), task="b->c", backbone="dtn"),
        make("target_only", (0.9, 0.9), task="b->c", backbone="dtn", sees=("labelled",), **bound),
        make("dann", task="b->c", backbone="dtn", error="x"),
        make("mmd", task="svhn->c", status="absent", error="not here"),
    ]


def test_a_column_for_each_task_protocol_and_backbone(digits):
    found = overview(cells(digits), "last")
    assert found.columns == (
        "strategy", "a->b (P-2000, net)", "a->b (p-28, net)", "b->c (p-28, dtn)", "svhn->c (p-28, net)"
    )  # fmt: skip
    assert found.notes[-1] == "† sees labels of target train images"
    assert found.rows == [
        ("source_only", "-", "0.500 ±0.000", "-", "-"),
        ("dann", "-", "-", "failed", "-"),
        ("mmd", "0.600 ±0.000", "0.700 ±0.000", "0.800 ±0.000", "absent"),
        ("target_only †", "-", "-", "0.900 ±0.000", "-"),
    ]


def test_another_selection(digits):
    found = overview(cells(digits), "oracle")
    assert {row[0]: row[1] for row in found.rows}["mmd"] == "0.900 ±0.000"
    assert found.title == "selection: oracle ‡" and found.notes[-1].startswith(
        "‡ selected by the labels of target test"
    )
    with pytest.raises(UnknownName, match="Unknown selection 'lst'. Did you mean last"):
        overview(cells(digits), "lst")


@pytest.mark.parametrize("key", ["protocol", "backbone", "task"])
def test_no_column_mixes_what_cannot_be_compared(make, key):
    found = cells([make("mmd", (0.5, 0.6)), make("coral", (0.7, 0.8), **{key: "a->c"})])
    with pytest.raises(ResultError, match=f"One column cannot hold scores of different {key}s: "):
        column(found)


def test_it_is_printed(digits):
    assert "| mmd | 0.600 ±0.000 | 0.700 ±0.000 |" in render(digits, "markdown", overview="last")
    told = render(digits, overview="last", width=200)
    assert "a->b (P-2000, net)" in told and "selection: last" in told
    with pytest.raises(SettingError, match="format 'csv' has a line for each cell"):
        render(digits, "csv", overview="last")
