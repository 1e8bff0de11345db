import json

import pytest

from tlx import Recipe, SettingError


def test_json_keeps_everything():
    recipe = Recipe(name="mine", lr=0.3, rates=(("*/head/*", 10.0), ("*", 1.0, "constant")), steps=7)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    warm = recipe.replace(warmup=0.1)
    assert Recipe.from_json(warm.to_json()) == warm and "warmup" not in recipe.to_json(), "older hashes hold"
    options = {"options": {"momentum": 0.5, "centered": True}, "schedule_options": {"boundaries": [0.5, 0.75]}}
    full = recipe.replace(views={"weak": "none", "third": "cifar"}, **options)
    assert Recipe.from_json(json.loads(json.dumps(full.to_json()))) == full
    assert full.views == (("weak", "none"), ("third", "cifar"))
    assert full.options == (("momentum", 0.5), ("centered", True))
    assert hash(full) != hash(recipe) and not {"options", "schedule_options"} & set(recipe.to_json())


def test_phases_of_a_name_have_fields_of_their_own():
    """The trap: older results whose recipe has a field more, and so another hash."""
    recipe = Recipe().replace(phases={"test": {"optimizer": "adam", "lr": 0.001, "rates": [["*/bn/*", 2.0]]}})
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe and hash(recipe) != hash(Recipe())
    assert "phases" not in Recipe().to_json() and recipe.static() != Recipe().static()
    own = {"lr": 0.5, "batch": 6}
    assert recipe.of_phase("test", own) == {"lr": 0.001, "batch": 6, "optimizer": "adam", "rates": (("*/bn/*", 2.0),)}
    assert recipe.of_phase("train", own) == own
    with pytest.raises(SettingError, match="recipe 'default', phase 'test': unknown recipe field 'bacth'; nearest: b"):
        Recipe().replace(phases={"test": {"bacth": 3}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"steps": 0}, "steps is 0"),
        ({"warmup": 1.0}, "warmup is 1.0; expected a share"),
        ({"batch": 2.5}, "batch is 2.5"),
        ({"weight_decy": 0.1}, "unknown recipe field 'weight_decy'; nearest: weight_decay"),
    ],
)
def test_bad_fields_are_named(change, message):
    """Names of optimizers and schedules are checked where optax is: tests/engine/test_optimizer.py."""
    with pytest.raises(SettingError, match=message):
        Recipe().replace(**change)


def test_what_does_not_shape_a_program_is_not_in_the_static_part():
    one, other = Recipe(lr=0.1, steps=10, name="a"), Recipe(lr=0.2, steps=20, name="b", weight_decay=0.0)
    assert one.static() == other.static()
    assert one.replace(clip=1.0).static() != one.static() != one.replace(batch=8).static()
    assert one.replace(optimizer="lion").static() != one.static() != one.replace(options={"eps": 1e-3}).static()


def test_floats_are_traced():
    traced = Recipe(lr=0.3, beta1=0.5, warmup=0.1).traced()
    assert traced["lr"] == 0.3 and traced["beta1"] == 0.5 and traced["warmup"] == 0.1
    assert "batch" not in traced and "options" not in traced


def test_a_bad_policy_is_named_with_its_view():
    with pytest.raises(SettingError, match="recipe 'default', view 'strong': unknown augmentation 'randaugmnt'; did"):
        Recipe().replace(views={"weak": "shift", "strong": "shift + randaugmnt"})
    assert Recipe(views=(("weak", "cifar"),)).static() != Recipe().static()
