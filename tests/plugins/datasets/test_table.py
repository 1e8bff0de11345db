"""Tables that name image files: columns, domains, splits, formats, and every way in which one can be wrong."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlx import DataAbsent, DataError
from tlx.data import parse
from tlx_datasets import folder, table

ROWS = [
    {"file": f"images/{site}{row}.png", "class": str(row % 3 + 8), "site": site, "fold": "val" if row > 8 else "train"}
    for site in ("a", "b")
    for row in range(12)
]
QUERY = "path=file&label=class&domain=site"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / "images").mkdir()
    for number, row in enumerate(ROWS):
        Image.new("RGB", (9, 9), (10 * number, 7, 7)).save(tmp_path / row["file"])
    write(tmp_path / "data.csv", ROWS)
    return tmp_path


def write(path: Path, rows: list[dict]) -> None:
    if path.suffix == ".csv":
        lines = [",".join(rows[0]), *(",".join(str(cell) for cell in row.values()) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        from pyarrow import Table, parquet

        parquet.write_table(Table.from_pylist(rows), path)


def load(path: Path, query: str):
    return table.load(f"{path}?size=8&{query}")()


def test_one_domain_of_a_table(place):
    data = load(place / "data.csv", f"{QUERY}&only=b&split=fold")
    assert data.classes == ("8", "9", "10") and data.train.x.shape == (9, 8, 8, 3)
    assert data.train.y.tolist() == [row % 3 for row in range(9)] and data.test.y.tolist() == [0, 1, 2]
    assert data.train.x[:, 4, 4, 0].tolist() == [10 * row for row in range(12, 21)]
    data = load(place / "data.csv", f"{QUERY}&only=a")
    assert np.bincount(data.train.y).tolist() == [3, 3, 3] and np.bincount(data.test.y).tolist() == [1, 1, 1]


def test_it_is_the_folder_of_the_same_files(place):
    """A row's origin and the choice of test rows are those of `folder:`."""
    for row in ROWS[:12]:
        (place / "a" / row["class"]).mkdir(parents=True, exist_ok=True)
        (place / "a" / row["class"] / Path(row["file"]).name).write_bytes((place / row["file"]).read_bytes())
    ours, theirs = load(place / "data.csv", f"{QUERY}&only=a"), folder.load(f"{place}/a?size=8")()
    for split in ("train", "test"):
        one, other = ({name: image.tobytes() for name, image in zip(part.origin, part.x, strict=True)}
                      for part in (getattr(ours, split), getattr(theirs, split)))  # fmt: skip
        assert one == other


def test_every_format_gives_the_same(place):
    pytest.importorskip("pyarrow")
    wanted = load(place / "data.csv", f"{QUERY}&only=a")
    for suffix in (".jsonl", ".parquet"):
        write(place / f"data{suffix}", [row | {"class": float(row["class"])} for row in ROWS])
        found = load(place / f"data{suffix}", f"{QUERY}&only=a")
        assert found.classes == wanted.classes and found.test.origin.tolist() == wanted.test.origin.tolist()


def test_columns_have_names_by_default_and_labels_may_be_left_out(place):
    write(place / "plain.csv", [{"path": row["file"], "label": row["class"], "domain": row["site"]} for row in ROWS])
    assert len(load(place / "plain.csv", "only=a").train.y) == 9
    data = load(place / "plain.csv", "only=b&classes=none")
    assert (data.target_kind, data.classes, set(data.train.y)) == ("none", (), {-1})


def test_a_change_is_seen(place):
    keys = {table.load(f"{place}/data.csv?{QUERY}&only=a").key}
    write(place / "data.csv", [row | {"class": "8" if row["class"] == "9" else row["class"]} for row in ROWS])
    keys.add(table.load(f"{place}/data.csv?{QUERY}&only=a").key)
    Image.new("RGB", (99, 99)).save(place / ROWS[0]["file"])
    keys.add(table.load(f"{place}/data.csv?{QUERY}&only=a").key)
    assert len(keys) == 3


def test_two_domains_are_a_task():
    text = f"table:data.csv?{QUERY}&only=a->table:data.csv?{QUERY}&only=b@P-28/10"
    name = parse(text)
    assert name.targets == (f"table:data.csv?{QUERY}&only=b",) and (name.protocol, name.shots) == ("P-28", 10)
    assert str(name) == text


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("path=fil&label=class", "has no column 'fil' (path=fil); it has file, class, site, fold; nearest: file"),
        ("path=file", "has no column 'label' (label=label); it has file, class, site, fold, or classes=none"),
        (QUERY, "has 2 domains in 'site': a, b; expected only=... of one"),
        (f"{QUERY}&only=bb", "no row has 'bb' in 'site'; it has a, b; nearest: b"),
        ("path=file&label=class&only=a", "only=a, and it has no column 'domain'; expected 'domain=COLUMN'"),
        ("path=file&label=class&split=site", "its splits have a, b; expected train, test or validation"),
        ("path=file&label=site&domain=site&only=a", "its rows have one class, 'a'; expected two or more"),
        ("path=site&label=class", "lists 24 files that are not there: "),
        ("path=file&lable=class", "no option 'lable'; expected path, label, domain, split, only, size, classes"),
    ],
)
def test_what_does_not_fit_is_named(query, message, place):
    with pytest.raises(DataError, match=re.escape(message)):
        load(place / "data.csv", query)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "path,label\na.png\n", "line 2 has 1 cells; expected 2"),
        ("x.csv", "path,path\na.png,b\n", "has the columns ['path', 'path']; expected different names"),
        ("x.csv", "path,label\n", "has no row; expected one or more"),
        ("x.csv", "path,label\n,b\nc,\n", "'path' is empty in 1 lines: 2"),
        ("x.csv", b"path,label\n\xff\xff,b\n", "cannot be read: 'utf-8' codec"),
        ("x.jsonl", '{"path": "a"}\n[1]\n', "line 2 is '[1]'; expected a JSON object"),
        ("x.parquet", "no parquet", "cannot be read: "),
        ("x.xlsx", "", "is no file of a kind that is read; expected .csv, .tsv, .jsonl, .ndjson, .parquet"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(name, text, message, tmp_path):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=re.escape(message)):
        table.load(str(tmp_path / name))()


def test_what_is_not_here_is_absent(tmp_path, monkeypatch):
    with pytest.raises(DataAbsent, match="There is no table"):
        table.load(str(tmp_path / "x.csv"))()
    (tmp_path / "x.parquet").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataAbsent, match=r"needs pyarrow: pip install 'tlx\[parquet\]'"):
        table.load(str(tmp_path / "x.parquet"))()


def test_a_damaged_image_is_named(place):
    (place / ROWS[3]["file"]).write_bytes(b"none")
    with pytest.raises(DataError, match=r"The table '.*data\.csv': 1 of 12 images cannot be read; .*a3\.png"):
        load(place / "data.csv", f"{QUERY}&only=a")
