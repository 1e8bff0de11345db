"""A table that a program computes: kept once, read again, its cells beside the published figures."""

import json

import pytest

from tlx import Lab, ProgramTable, hookimpl
from tlx.cli import main
from tlx.errors import ResultError, SettingError, UnknownName
from tlx.reproduce import Figure, api, program_cell

FIGURES = {"hard": 5.25, "soft": 6.0}


@pytest.fixture
def computed():
    return []


@pytest.fixture
def program(registry, computed):
    def compute(load):
        computed.append(load("a").name)
        return {"hard": [5.5, 5.0, 6.0], "soft": [7.0, 6.5, 7.25]}

    def cells(found):
        made = []
        for method, value in FIGURES.items():
            figure = Figure("a, shifted", method, value, "p", "last", "net", "P", spread=0.5)
            outcome = "not run" if found is None else "reproduced" if method == "hard" else "higher"
            made.append(program_cell("shares", figure, found and found[method], 10, outcome))
        return made

    table = ProgramTable("shares", compute, cells, ("points that a correction adds",))

    class Tables:
        @hookimpl
        def tlx_tables(self, register):
            register("shares", table)

    registry.add(Tables(), "shares")
    return table


def test_it_is_computed_once_and_read_again(program, registry, computed, tmp_path):
    lab = Lab(progress=False, registry=registry)
    assert {cell["outcome"] for cell in api.report(lab, program, tmp_path)} == {"not run"}
    cells = lab.reproduce("shares", out=tmp_path / "out")
    assert [(c["ours"], c["low"], c["high"], c["n"], c["outcome"]) for c in cells] == [
        (5.5, 5.0, 6.0, 10, "reproduced"), (7.0, 6.5, 7.25, 10, "higher")
    ]  # fmt: skip
    assert lab.reproduce("shares", out=tmp_path / "out") == cells == api.report(lab, program, tmp_path / "out")
    assert computed == ["a"]
    [soft] = api.report(lab, program, tmp_path / "out", methods=["soft"], tasks=["a, shifted"])
    assert soft == cells[1]
    with pytest.raises(UnknownName, match="Unknown method of table 'shares' 'sft'. Did you mean soft"):
        api.report(lab, program, tmp_path / "out", methods=["sft"])


def test_a_folder_that_is_not_there_is_refused_as_of_other_tables(program, registry, tmp_path, monkeypatch, capsys):
    """The trap: a path that is misspelt, and a page of cells that were "not run"."""
    with pytest.raises(ResultError, match="'none' does not exist; expected a folder that"):
        api.report(Lab(progress=False, registry=registry), program, "none")
    monkeypatch.setattr("tlx.plugins.Registry.load", lambda *args, **options: registry)
    with pytest.raises(SystemExit, match="1"):
        main(["reproduce", "shares", "--report", "--out", str(tmp_path / "none")])
    assert "does not exist" in capsys.readouterr().err


def test_what_it_has_no_choice_of_is_refused_and_damage_is_named(program, registry, computed, tmp_path):
    lab = Lab(progress=False, registry=registry)
    for given, name in (({"seeds": 3}, "seeds"), ({"budget": "short"}, "budget")):
        with pytest.raises(SettingError, match=f"'shares' is a program, which has its own {name}"):
            lab.reproduce(program, out=tmp_path, **given)
    (tmp_path / "cells.json").write_text("{")
    with pytest.raises(ResultError, match=r"cells\.json is no JSON.*Move it away to compute it again"):
        lab.reproduce(program, out=tmp_path)
    (tmp_path / "cells.json").write_text(json.dumps({"hard": 3}))
    with pytest.raises(ResultError, match="'shares' is not what its program gives"):
        api.report(lab, program, tmp_path)
    assert computed == []


def test_the_command_prints_as_many_places_as_the_paper(program, registry, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tlx.plugins.Registry.load", lambda *args, **kwargs: registry)
    with pytest.raises(SystemExit, match="0"):
        main(["reproduce", "shares", "--out", str(tmp_path), "--format", "markdown"])
    text = capsys.readouterr().out
    assert "| hard | 5.25 ±0.5 | 10 | 5.50 ±0.50 | reproduced |" in text
    assert "- points that a correction adds" in text and "2 cells: 1 reproduced, 1 higher" in text
    with pytest.raises(SystemExit, match="1"):
        main(["reproduce", "shares", "--out", str(tmp_path), "--jobs", "2"])
    assert "'shares' is a program, which no executor runs" in capsys.readouterr().err
