import shutil
import subprocess

import pytest

from tlx.report import render
from tlx.report.latex import escape

COMPILER = shutil.which("pdflatex") or shutil.which("tectonic")
SIGNS = 'a_b & 50% of $x$ #1 {y} ~ ^ \\ < > | " ± † ‡ ▼ ★ a->b'


def test_signs_are_escaped():
    assert escape("a_b->c 5% ±1 †") == r"a\_b$\to$c 5\% $\pm$1 $\dagger$"
    assert escape("\\{}") == r"\textbackslash{}\{\}"
    assert escape("語") == "[U+8A9E]" and escape(SIGNS).isascii()


def test_a_table_has_the_rules_of_booktabs(results):
    text = render(results, "latex")
    lines = text.splitlines()
    assert "\\usepackage{booktabs}" in lines[0] and text.isascii()
    assert r"\begin{tabular}{lrrrrr}" in lines and [text.count(rule) for rule in (r"\toprule", r"\bottomrule")] == [
        1,
        1,
    ]
    assert r"strategy & n & last & oracle $\ddagger$ & gain & s \\" in lines
    assert r"coral & 3 & 0.250 $\pm$0.124 & 0.400 $\pm$0.000 & -0.150 $\downarrow$ & 12.3 \\" in lines


@pytest.mark.skipif(COMPILER is None, reason="neither pdflatex nor tectonic is installed")
def test_it_compiles(results, make, tmp_path):
    assert COMPILER
    odd = [make("mmd", (0.5, 0.6), settings=(("mode", mode),)) for mode in (SIGNS, "語")]
    body = render([*results, *odd, make("kl", task="b->c", status="absent", error="not_here")], "latex")
    head = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}"
    (tmp_path / "report.tex").write_text(f"{head}\n{body}\n\\end{{document}}\n")
    halt = ["-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in COMPILER else []
    done = subprocess.run([COMPILER, *halt, "report.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "report.pdf").exists(), done.stdout[-2000:]
