import dataclasses
import json

import pytest

from tlx.errors import ResultError
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
    with pytest.raises(KeyError):
        result.accuracy("none")


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
    assert Result.parse(json.dumps(fields)) == result


def test_scores_of_another_number_of_seeds(result):
    last = result.selections["last"]
    short = dataclasses.replace(result, selections={"last": dataclasses.replace(last, scores=last.scores[:1])})
    with pytest.raises(ValueError, match="scores of other than 2 seeds"):
        Result.parse(short.text())


def test_another_format_is_not_damage(result):
    with pytest.raises(ResultError, match="result format 99; this tlx reads 2"):
        Result.parse(result.text().replace('"format": 2', '"format": 99'))
