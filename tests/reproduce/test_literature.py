import pytest

from tlx.errors import DataError
from tlx.plugins import Registry
from tlx.reproduce import Figure, read, unknown

HEAD = "paper: p\ntable: t\nsource: s\ndefaults: {protocol: P-8, selection: last, network: net, provenance: P}\n"
ROW = "  - {task: a->b, method: mmd, value: 50}\n"


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "table.yaml"
        path.write_text(text)
        return path

    return write


def test_a_figure_has_the_defaults_of_its_file(table):
    found = read(table.literature)
    assert (found.paper, found.table, len(found.figures)) == ("Doe et al. 2020", "Table 1", 4)
    assert found.figures[1] == Figure(
        "a->b", "shift", 50.5, "P-8", "oracle", "net", "P", label="Shift!", spread=1.5, n=1
    )
    assert found.figures[3].network == "wide" and found.figures[0].spread is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "it holds list; expected paper, table, source and rows"),
        ("paper: [", "cannot be read"),
        ("paper: p", r"it holds \['paper'\]; expected"),
        (HEAD + "rows:\n  - {task: a->b, method: mmd}", r"rows\[0\]: missing or unknown fields value"),
        (HEAD + "rows:\n" + ROW + "  - {task: a->b, method: x, vaule: 5}", r"rows\[1\]: unknown key 'vaule'; nearest"),
        (HEAD + "rows:\n  - {task: a->b, method: mmd, value: 101}", "an accuracy of 101.0; expected 0 to 100"),
        (HEAD + "rows:\n  - {task: a->b, method: mmd, value: 5, seeds: [-1]}", "an accuracy of -1.0"),
        (HEAD + "rows:\n  - {task: a->b, method: mmd, value: high}", "got 'high'; expected float"),
        (HEAD + "rows:\n  - {task: a->b, method: mmd, value: 5, provenance: mem}", "provenance: got 'mem'"),
        (HEAD + "rows:\n  - {task: a->b, method: mmd, value: 5, n: 0}", "spread None and n 0; expected"),
        (HEAD + "rows:\n  - {task: 'a:b', method: mmd, value: 5}", "expected its normal form, 'a->b'"),
        (HEAD + "rows:\n  - {task: a->, method: mmd, value: 5}", "Task name 'a->'; expected"),
        (HEAD + "rows:\n" + ROW * 2, "a->b mmd comes twice under P-8; expected a `variant`"),
        (HEAD + "rows:\n  - {task: [a->b], method: mmd, value: 5}", r"rows\[0\]: a mean over \['a->b'\]; expected two"),
        (HEAD + "rows:\n  - {task: [a->b, 3], method: mmd, value: 5}", r"rows\[0\].task\[1\]: got 3; expected str"),
        (HEAD + "external: {nets: {a: b}}\nrows:\n" + ROW, "external has nets; expected some of methods"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(write, text, message):
    with pytest.raises(DataError, match=message):
        read(write(text))


def test_a_mean_over_tasks_is_a_figure_for_each(write):
    found = read(write(HEAD + "rows:\n" + ROW + "  - {task: [a->b, 'a:c@P-9'], method: mmd, value: 40}\n"))
    assert [(figure.task, figure.protocol, figure.value) for figure in found.figures] == [
        ("a->b", "P-8", 50), ("a->b", "P-8", 40), ("a->c", "P-9", 40)
    ]  # fmt: skip
    assert [figure.mean_of for figure in found.figures] == [(), *[("a->b@P-8", "a->c@P-9")] * 2]


def test_names_are_registered_or_external(table, registry):
    found = read(table.literature)
    assert unknown(found, registry) == []
    lines = unknown(found, Registry())
    assert "method 'shift' is not registered and not under external; nearest: none near" in lines
    assert not any("magic" in line for line in lines) and any("network 'wide'" in line for line in lines)
