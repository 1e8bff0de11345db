"""`tlx show`: the settings of a strategy, and what its phases see."""

PHASES = """
from tlx import Phase, Strategy, Sweep, hookimpl, strategy
from tlx.contract import Online

@strategy
class Three(Strategy):
    '''Looks, learns and adapts.'''
    setting = "test-time"
    paper = "Doe 2020"
    weight: float = 0.5
    shown: str = "target"

    def phases(self, model):
        sweep = Sweep("source_val", lambda state, rows: rows.y)
        return (
            Phase(name="look", share=0.0, sees=frozenset({"source"}), sweeps={"rows": sweep}),
            Phase(name="learn", sees=frozenset({self.shown, "source"})),
            Phase(name="adapt", share=3.0, sees=frozenset()),
            Phase(name="meet", online=Online("before"), sees=frozenset({"target"})),
        )
"""


def test_show(distribution, tlx_command, tmp_path):
    distribution("none", {}, {})
    path = tmp_path / "three.py"
    path.write_text(PHASES)
    code, out, err = tlx_command("show", "three", "--plugin", str(path), "--set", "weight=2")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "three",
        "  Looks, learns and adapts.",
        "  test-time, Doe 2020",
        "  shown = target",
        "  weight = 2.0",
        "  phase look: 0% of the steps; sees source; sweeps source_val",
        "  phase learn: 25% of the steps; sees source, target",
        "  phase adapt: 75% of the steps; sees nothing",
        "  phase meet: one pass over the target test rows, each batch predicted before its step; sees target",
    ]
    assert "sees source, labelled" in tlx_command("show", "three", "--plugin", str(path), "--set", "shown=labelled")[1]


def test_show_has_a_guess(distribution, tlx_command, tmp_path):
    distribution("none", {}, {})
    path = tmp_path / "three.py"
    path.write_text(PHASES)
    args = "--plugin", str(path)
    assert "Unknown strategy 'thre'. Did you mean three?" in tlx_command("show", "thre", *args)[2]
    code, out, err = tlx_command("show", "three", *args, "--set", "wieght=2")
    assert (code, out) == (1, "") and "wieght" in err and "Did you mean weight" in err
