import dataclasses

from tlx.runs.notebook import html_table
from tlx.runs.runner import Runner
from tlx.score import interval


def test_a_result_is_a_table_of_its_policies_and_seeds(registry, world, job):
    result = Runner(registry)(job)
    text = result._repr_html_()
    for name, sign in (("last", ""), ("oracle", " ‡")):
        mean, low, high = interval(values := result.accuracy(name))
        assert low is not None and high is not None
        half = max(mean - low, high - mean)
        cells = [f"{name}{sign}", f"{mean:.3f} ±{half:.3f}", *(f"{value:.3f}" for value in values)]
        assert "".join(f"<td>{cell}</td>" for cell in cells) in text
    assert "a-&gt;b shift" in text and "<th>seed 1</th>" in text and "tlx run a:b@tiny-8 shift" in text
    bare = dataclasses.replace(result, metric=None)._repr_html_()
    assert "no score" in bare and "<td>" not in bare


def test_a_failed_one_shows_its_error_as_text(registry, world, job):
    world.fails["Shift"] = RuntimeError("<b>boom")
    assert "&lt;b&gt;boom" in Runner(registry)(job)._repr_html_()


def test_texts_are_no_markup():
    text = html_table("<a>", ["<b>"], [["<c>"]], ["<d>", "e"])
    assert not [name for name in "abcd" if f"<{name}>" in text] and "&lt;d&gt;<br>e" in text
