"""Fields of the recipe that one run has otherwise."""

import pytest

from tlx.engine.recipe import Recipe
from tlx.errors import SettingError
from tlx.runs.recipe_set import parse_recipe, recipe_texts


def test_texts_are_typed_by_the_recipe():
    texts = ["lr=1e-1", "batch = 8", "nesterov=false", "optimizer=adam", 'rates=[["*/head/*", 10]]']
    found = parse_recipe(texts, 5)
    assert found == {
        "lr": 0.1, "batch": 8, "nesterov": False, "optimizer": "adam", "rates": [["*/head/*", 10]], "steps": 5,
    }  # fmt: skip
    assert parse_recipe({"lr": 1}) == {"lr": 1.0} and parse_recipe(()) == {}
    recipe = Recipe().replace(**found)
    assert Recipe().replace(**parse_recipe(recipe_texts(found), 5)) == recipe and recipe.rates == (("*/head/*", 10.0),)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["lr"], "got the recipe field 'lr', expected key=value"),
        (["lr=1", "lr=2"], "the recipe field 'lr' is given twice, as 1 and 2, expected it once"),
        (["steps=7"], "the recipe field 'steps' is given twice, as 7 and 5"),
        (["bacth=8"], "The recipe has no field 'bacth'. Did you mean batch"),
        (["name=x"], "The recipe has no field 'name'."),
        (["weight=1"], "A setting of the strategy is given by --set weight=VALUE"),
        (["lr=fast"], "recipe field 'lr': got 'fast', expected float"),
        (["lr=inf"], "recipe field 'lr': got 'inf', expected float"),
        (["batch=0"], "batch is 0; expected a whole number of at least 1"),
        (["batch=2.5"], "recipe field 'batch': got '2.5', expected int"),
        (["rates=[1]"], "recipe field 'rates': got '[1]', expected JSON"),
        (["views={"], "recipe field 'views': got '{', expected JSON"),
        (["dtype=int8"], "dtype is 'int8'; expected one of"),
        ({1: 2}, "got 1 as the name of a recipe field, expected a text"),
        (7, "got the recipe fields 7, expected a mapping"),
    ],
)
def test_what_is_wrong_is_named(given, told):
    with pytest.raises(SettingError) as caught:
        parse_recipe(given, 5)
    assert told in str(caught.value)
