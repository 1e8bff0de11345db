from tlx.engine.recipe import Recipe
from tlx.runs.recipe_set import parse_recipe


def test_recipes_come_with_the_fields_that_a_run_may_change(tlx_command):
    code, out, _ = tlx_command("list", "recipes")
    told = out.splitlines()[-1].removeprefix("Fields of a recipe and their defaults (--recipe-set KEY=VALUE): ")
    given = told.removesuffix(".").split("; ")
    assert code == 0 and len(given) > 20 and "lr=0.01" in given
    assert Recipe().replace(**parse_recipe(given)) == Recipe(), "each is as --recipe-set takes it"
    assert "Fields of a recipe" not in tlx_command("list", "suites")[1]
