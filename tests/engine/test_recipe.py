import json

import pytest

from tlx import Recipe, SettingError


def test_json_keeps_everything():
    recipe = Recipe(name="mine", lr=0.3, rates=(("*/head/*", 10.0), ("*", 1.0, "constant")), steps=7)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    warm = recipe.replace(warmup=0.1)
    assert Recipe.from_json(warm.to_json()) == warm and "warmup" not in recipe.to_json(), "older hashes hold"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "sdg"}, "optimizer is 'sdg'"),
        ({"schedule": "linear"}, "schedule is 'linear'"),
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"rates": [("*", 1, "linear")]}, "rates has .*expected a schedule"),
        ({"steps": 0}, "steps is 0"),
        ({"warmup": 1.0}, "warmup is 1.0; expected a share"),
        ({"batch": 2.5}, "batch is 2.5"),
        ({"weight_decy": 0.1}, "unknown recipe field 'weight_decy'; nearest: weight_decay"),
    ],
)
def test_bad_fields_are_named(change, message):
    with pytest.raises(SettingError, match=message):
        Recipe().replace(**change)


def test_what_does_not_shape_a_program_is_not_in_the_skeleton():
    one, other = Recipe(lr=0.1, steps=10, name="a"), Recipe(lr=0.2, steps=20, name="b", weight_decay=0.0)
    assert one.skeleton() == other.skeleton()
    assert one.replace(clip=1.0).skeleton() != one.skeleton() != one.replace(batch=8).skeleton()


def test_a_bad_policy_is_named_with_its_field():
    with pytest.raises(SettingError, match="recipe 'default', strong: unknown augmentation 'randaugmnt'; did you mean"):
        Recipe().replace(strong="shift + randaugmnt")
    assert Recipe(weak="cifar").skeleton() != Recipe().skeleton()


def test_by_task_and_strategy_the_later_win():
    by = {
        "mmd": {"lr": 0.1, "settings": {"estimator": "linear", "weight": 2.0}},
        "a->b": {"lr": 0.2, "steps": 7},
        "a->b mmd": {"lr": 0.3, "settings": {"weight": 3.0}},
        "a->b@P-28": {"batch": 5},
    }
    recipe = Recipe(name="paper", lr=0.5, by=by)
    assert recipe.of("b->a", "dann") == (Recipe(name="paper", lr=0.5), {})
    assert recipe.of("b:a", "mmd") == (Recipe(name="paper", lr=0.1), {"estimator": "linear", "weight": 2.0})
    found, settings = recipe.of("a:b", "mmd")
    assert (found.lr, found.steps, settings) == (0.3, 7, {"estimator": "linear", "weight": 3.0})
    assert found.by == {} and hash(found.skeleton()) == hash(Recipe().skeleton())
    assert recipe.of("a->b@P-28", "dann")[0].batch == 5
    assert recipe.replace(steps=9).of("a->b", "x")[0].steps == 7  # a paper's number for a task stands


def test_by_with_a_field_that_no_recipe_has():
    with pytest.raises(SettingError, match="unknown recipe field 'lrr'; nearest: lr"):
        Recipe(by={"mmd": {"lrr": 0.1}}).of("a->b", "mmd")
