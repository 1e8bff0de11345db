import csv
import io
import json

import pytest

from tlx.errors import ResultError, UnknownName
from tlx.report import FORMATS, RECORDS, TABLES, cells, render, report
from tlx.runs.store import Store


def test_json_is_the_cells(results):
    assert json.loads(render(results, "json")) == cells(results)


def test_csv_has_a_line_for_each_cell(results):
    rows = list(csv.DictReader(io.StringIO(render(results, "csv"))))
    found = cells(results)
    assert len(rows) == len(found) and set(rows[0]) == set(found[0])
    for row, cell in zip(rows, found, strict=True):
        assert row["strategy"] == cell["strategy"] and json.loads(row["scores"]) == cell["scores"]
        assert row["mean"] == ("" if cell["mean"] is None else str(cell["mean"]))
        assert json.loads(row["negative_transfer"]) == cell["negative_transfer"]


def test_markdown(results):
    text = render(results, "markdown")
    lines = text.splitlines()
    assert lines[0] == "**a->b (p-28, net)**"
    assert lines[2] == "| strategy | n | last | oracle ‡ | gain | s |"
    assert lines[3] == "| --- | ---: | ---: | ---: | ---: | ---: |"
    assert lines[5] == "| coral | 3 | 0.250 ±0.124 | 0.400 ±0.000 | -0.150 ▼ | 12.3 |"
    assert "- ! dann: failed: ValueError: no | good at all" in lines


def test_terminal(results):
    text = render(results, "terminal", width=120)
    assert "\x1b" not in text and max(map(len, text.splitlines())) <= 120
    row = next(line for line in text.splitlines() if line.startswith(" mmd"))
    assert row.split() == ["mmd", "!", "3", "0.740", "±0.131", "0.800", "±0.000", "★", "+0.340", "12.3"]
    assert "‡ selected by the labels of target test images" in text


def test_the_rows_of_a_terminal_fit_eighty_columns(make):
    scores = [(0.3, 0.4), (0.5, 0.5), (0.4, 0.4)]
    found = [make("source_only", *scores), make("target_only", *scores, sees=("labelled",))]
    lines = render(found, "terminal", width=80).splitlines()
    row = "target_only † 2 0.350 ±0.635 0.400 ±0.000 0.500 ±0.000 +0.000 12.3"
    assert max(map(len, lines)) <= 80 and row in [" ".join(line.split()) for line in lines]


def test_a_pipe_in_a_name_does_not_end_a_cell_of_markdown(make):
    assert "| mmd (mode=a\\|b) |" in render(
        [make("mmd", (0.5,), settings=(("mode", m),)) for m in ("a|b", "c")], "markdown"
    )


@pytest.mark.parametrize("format", FORMATS)
def test_markup_in_names_is_text(make, format):
    assert "[red]" in render([make("mmd", error="[red]boom[/]")], format)


@pytest.mark.parametrize("format", (*TABLES, *RECORDS))
def test_no_results(format):
    assert render([], format).strip() in ("", "[]")


def test_unknown_format(results):
    with pytest.raises(UnknownName, match="Unknown format 'markdwn'. Did you mean markdown"):
        render(results, "markdwn")


def test_report_on_a_folder(tmp_path, results):
    with pytest.raises(ResultError, match="holds no result"):
        report(tmp_path)
    for result in results:
        Store(tmp_path).write(result)
    assert json.loads(report(tmp_path, "json")) == cells(results)


@pytest.mark.parametrize("format", FORMATS)
def test_an_absent_task_is_said_to_be_absent(make, format):
    told = render([make("mmd", status="absent", error="SVHN | is not here")], format)
    task = {"latex": r"a$\to$b", "html": "a-&gt;b"}.get(format, "a->b")
    assert "absent" in told and task in told and "is not here" in told


ESCAPE = "\x1b]0;owned\x07\x1b[31mred\x9b2J\u202egnp"


@pytest.mark.parametrize("format", [*TABLES, *RECORDS])
def test_no_text_of_a_file_steers_a_terminal(make, format):
    """In names, errors, settings, and names of targets and metrics; "\\r" would write over a line."""
    runs = [
        make(f"mmd{ESCAPE}", (0.5,), task=f"a->b{ESCAPE}", backbone=f"net{ESCAPE}"),
        make("kl", error=f"boom{ESCAPE}\r", settings=(("mode", ESCAPE),)),
        make("kl", (0.4,), settings=(("mode", "x"),)),
    ]
    text = render(runs, format)
    assert not [sign for sign in "\x1b\x07\x9b\r\u202e" if sign in text] and "1b" in text


def test_no_text_of_a_file_is_html_or_a_link_in_markdown(make):
    evil = "<img src=x onerror=alert(1)>![](http://evil.example/?)"
    text = render([make(f"mmd{evil}", (0.5,), task=f"a->b{evil}"), make("kl", error=evil)], "markdown")
    assert "<" not in text and "![](" not in text and "&lt;img" in text and "**a->b&lt;" in text


@pytest.mark.parametrize("sign", list("=+-@"))
def test_no_text_of_a_file_is_a_formula_in_csv(make, sign):
    name = sign + "cmd|' /C calc'!A0"
    rows = list(csv.reader(io.StringIO(render([make(name, (0.5,), error=name), make("kl", (0.6, 0.1))], "csv"))))
    texts = [text for row in rows for text in row if text[:1] in tuple("=+-@")]
    assert all(float(text) < 0 for text in texts) and any(f"'{name}" in row for row in rows)
