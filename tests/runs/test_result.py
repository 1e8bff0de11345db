import dataclasses
import json

import pytest

from tlx.errors import ResultError, SettingError
from tlx.runs.result import Result
from tlx.runs.spec import digest


def test_comes_back_from_its_text(result):
    assert result.finished, result.traceback
    assert Result.parse(result.text()) == result
    assert Result.parse(result.text()).text() == result.text()


def test_a_failed_result_comes_back_too(result):
    failed = dataclasses.replace(result, status="failed", error='a "[\n1 ]" b', traceback="x", selections={}, curves=[])
    assert Result.parse(failed.text()) == failed


def test_text_keeps_innermost_lists_on_one_line(result):
    spec = dataclasses.replace(result.spec, plugin_files=("a  [b].py", "c  d.py"))
    text = dataclasses.replace(result, spec=spec).text()
    assert '"seeds": [0, 1]' in text and '"diverged": [false, true]' in text
    assert Result.parse(text).spec.plugin_files == spec.plugin_files
    json.loads(text)


def test_accuracy(result):
    assert result.accuracy() == [score.accuracy for score in result.selections["last"].scores]
    with pytest.raises(SettingError, match="not judged by 'nope'; selection policies: .*last"):
        result.accuracy("nope")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"status": "finished"', '"status": "done"'),
        lambda text: text.replace('"data_hash"', '"hash_of_data"'),
        lambda text: text.replace('"weight": 1.0', '"weight": 2.0'),
        lambda text: text.replace('"wall"', '"waal"'),
    ],
)
def test_damage_is_noticed(result, damage):
    assert damage(result.text()) != result.text()
    with pytest.raises((ValueError, KeyError)):
        Result.parse(damage(result.text()))


def test_a_result_from_before_a_recipe_had_a_field_is_whole(result):
    fields = json.loads(result.text())
    del fields["spec"]["recipe"]["clip"]
    fields["hash"] = digest(fields["spec"])
    del fields["digest"]  # it had none either
    assert Result.parse(json.dumps(fields)) == result


def test_scores_of_another_number_of_seeds(result):
    last = result.selections["last"]
    short = dataclasses.replace(result, selections={"last": dataclasses.replace(last, scores=last.scores[:1])})
    with pytest.raises(ValueError, match="scores of other than 2 seeds"):
        Result.parse(short.text())


def changed(result, change):
    """The text of a result after a change of its dict, by somebody who took the digest out."""
    fields = json.loads(result.text())
    del fields["digest"]
    change(fields)
    return json.dumps(fields)


def score(fields):
    return fields["selections"]["last"]["scores"][0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda fields: score(fields).update(accuracy=float("nan")), "got NaN; expected a finite number"),
        (lambda fields: score(fields).update(accuracy=-5), "accuracy is -5; expected at most 1, at least 0"),
        (lambda fields: score(fields).update(accuracy=1e308), "accuracy is 1e"),
        (lambda fields: score(fields).update(accuracy=10**400), "OverflowError"),
        (lambda fields: score(fields).update(macro_f1=1.5), "share"),
        (lambda fields: score(fields).update(recall=[-0.5]), "share"),
        (lambda fields: score(fields).update(confusion=[[1, 2], [3]]), "confusion"),
        (lambda fields: score(fields).update(targets={"b": 0.5}), "seeds with other parts"),
        (lambda fields: [score(fields).pop(name) for name in ("confusion", "recall")], "seeds with other parts"),
        (lambda fields: score(fields).update(step=-1), "step -1"),
        (lambda fields: fields.update(selections={}), "no selections"),
        (lambda fields: fields["diverged"].pop(), "diverged"),
        (lambda fields: fields["curves"][0]["target"].pop(), r"curves\[0\]: numbers of other than 2 seeds"),
        (lambda fields: fields["curves"][0]["source_val"].pop(), "numbers of other than 2 seeds"),
        (lambda fields: fields["curves"][0]["metrics"]["loss"].pop(), "numbers of other than 2 seeds"),
        (lambda fields: fields["curves"][0]["target"].__setitem__(0, 2.0), "accuracy is 2"),
        (lambda fields: fields["times"].update(wall=1e300), "times"),
        (lambda fields: fields.update(format="2"), "format: got '2'"),
        (lambda fields: fields.update(command="\ud800"), "surrogates"),
        (lambda fields: fields.update(digest=None), "its digest"),
        (lambda fields: fields["spec"].update(recipe={"name": 1, "views": 3}), "TypeError"),
    ],
)
def test_numbers_are_looked_through(result, change, words):
    assert Result.parse(changed(result, lambda fields: None)) == result
    with pytest.raises(ValueError, match=words):
        Result.parse(changed(result, change))


def test_a_digest_is_of_all_but_the_times(result):
    fields = json.loads(result.text())
    fields["times"]["wall"] = 7.0
    assert Result.parse(json.dumps(fields)).times.wall == 7.0
    fields["command"] = "tlx other"
    with pytest.raises(ValueError, match="its digest is not that of its content"):
        Result.parse(json.dumps(fields))


def test_r2_may_be_below_0(result):
    text = changed(dataclasses.replace(result, metric="r2"), lambda fields: score(fields).update(accuracy=-1e9))
    assert Result.parse(text).accuracy()[0] == -1e9


def test_another_format_is_not_damage(result):
    with pytest.raises(ResultError, match="result format 99; this tlx reads 2"):
        Result.parse(result.text().replace('"format": 2', '"format": 99'))
