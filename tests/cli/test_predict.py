"""`tlx predict` and `tlx export`: what is given, what is printed, what is written."""

import csv

import numpy as np
import pytest
from PIL import Image

from tlx.plugins import Registry


@pytest.fixture
def command(real_lab, tlx_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(Registry, "load", lambda files: real_lab.registry)
    return tlx_command


@pytest.fixture
def run(saved):
    """The folder of the models."""
    return str(saved[1])


def table(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_a_dataset_by_name_says_which_split_and_how_many_are_right(command, run, saved):
    code, out, err = command("predict", run, "dim")
    score = saved[0].selections["source-val"].scores[0]
    assert code == 0 and f"dim, test split: 21 rows; accuracy {score.accuracy:.4f}" in err
    assert out.splitlines()[0].split() == ["row", "class", "probability"] and "dim/train/0" in out
    code, _, err = command("predict", run, "dim", "--split", "train", "--seed", "3")
    assert code == 0 and "dim, train split: 84 rows; accuracy" in err


def test_a_folder_of_images_as_a_csv_file(command, run, test_rows, tmp_path):
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for row, name in enumerate(["=a.png", "b,c.png", "more/d.PNG"]):
        Image.fromarray(test_rows.x[row, ..., 0]).save(tmp_path / "photos" / name, "PNG")
    (tmp_path / "photos" / "notes.txt").write_text("")
    (tmp_path / "photos" / ".hidden.png").write_text("")
    code, out, err = command("predict", run, "photos", "--csv", "out.csv", "--top", "2", "--probabilities")
    assert code == 0 and "photos: 1 file skipped, no images, as notes.txt" in err and "wrote 3 rows" in err
    head, *rows = table("out.csv")
    assert head == ["row", "class", "probability", "class 2", "probability 2", "p(left)", "p(middle)", "p(right)"]
    assert [row[0] for row in rows] == ["photos/=a.png", "photos/b,c.png", "photos/more/d.PNG"]
    for row in rows:
        assert sorted(map(float, row[5:]))[::-1][:2] == [float(row[2]), float(row[4])]
    command("predict", run, "photos/=a.png", "photos", "--csv", "out.csv")
    code, *_ = command("predict", run, "=a.png", "--csv", "none.csv")
    assert code == 1 and not (tmp_path / "none.csv").exists()


def test_a_text_that_looks_like_a_formula_is_quoted(command, run, test_rows, tmp_path):
    Image.fromarray(test_rows.x[0, ..., 0]).save(tmp_path / "=1+1.png", "PNG")
    assert command("predict", run, "=1+1.png", "--csv", "out.csv")[0] == 0
    assert table("out.csv")[1][0] == "'=1+1.png"


def test_arrays_and_what_is_none(command, run, test_rows, tmp_path):
    np.save("x.npy", test_rows.x)
    np.savez("x.npz", x=test_rows.x[:2], y=np.arange(2))
    np.savez("two.npz", a=test_rows.x, b=test_rows.x)
    np.save("objects.npy", np.array([{}]), allow_pickle=True)
    code, out, err = command("predict", run, "x.npy", "x.npz")
    assert code == 0 and "x.npy: 21 rows" in err and "x.npz: 2 rows" in err and "x.npy[20]" in out
    for name, message in [
        ("two.npz", "it holds a, b; expected an array x, or one array"),
        ("objects.npy", "cannot be read: Array can't be memory-mapped: Python objects"),
        ("mnist9k", "INPUT 'mnist9k' is no file, no folder, and no dataset. Unknown dataset 'mnist9k'."),
    ]:
        code, out, err = command("predict", run, name)
        assert code == 1 and message in err and "Traceback" not in err


def test_files_that_cannot_be_read_lose_no_other(command, run, test_rows, tmp_path):
    Image.fromarray(test_rows.x[0, ..., 0]).save("good.png")
    (tmp_path / "bad.png").write_bytes(b"no")
    code, out, err = command("predict", run, "bad.png", "good.png", "--csv", "out.csv")
    assert code == 1 and "1 of 2 images cannot be read, and are left out. The image bad.png" in err
    assert "good.png" in out and [row[0] for row in table("out.csv")] == ["row", "good.png"]


def test_long_tables_are_cut_and_say_so(command, run, test_rows):
    np.save("x.npy", np.repeat(test_rows.x, 5, 0))
    code, out, _ = command("predict", run, "x.npy")
    assert code == 0 and "... and 5 rows more; --csv FILE has all" in out and "x.npy[99]" in out


def test_bad_options(command, run):
    for words, message in [
        (["predict", "nowhere", "dim"], "There is no folder or file 'nowhere'"),
        (["predict", run, "dim", "--seed", "1"], "has no model of seed 1"),
        (["predict", run, "dim", "--csv", "."], "--csv is '.'; expected the path of a file"),
        (["export", run, "--out", ""], "--out is ''; expected the path of a file"),
    ]:
        code, _, err = command(*words)
        assert code == 1 and message in err


def test_export_writes_beside_the_folder(command, run, tmp_path):
    pytest.importorskip("flatbuffers")
    code, out, _ = command("export", run, "--out", "kl.jaxexport")
    assert code == 0 and out == "wrote kl.jaxexport and kl.jaxexport.json\n"
    assert (tmp_path / "kl.jaxexport").stat().st_size > 1000 and (tmp_path / "kl.jaxexport.json").exists()
