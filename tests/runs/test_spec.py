import dataclasses
import json
import pickle
import subprocess
import sys

import pytest

from tlx.data.task_names import parse
from tlx.engine.recipe import Recipe
from tlx.runs.convert import as_text
from tlx.runs.spec import Spec, digest, full_name


def make(**changes):
    fields = {
        "task": "a->b",
        "protocol": "tiny-8",
        "strategy": "shift",
        "settings": (("layers", (1, 2)), ("soft", False), ("weight", 0.5)),
        "backbone": "net",
        "recipe": Recipe(name="short", steps=6, rates=(("*/head/*", 10.0),)),
        "seeds": (0, 1),
    }
    return Spec(**(fields | changes))


def test_comes_back_from_json_and_pickle():
    spec = make(plugin_files=("x.py",), suite="tiny")
    assert Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_hash_is_the_same_in_every_process():
    code = "import sys; from tlx.runs import Spec; import json; print(Spec.from_json(json.load(sys.stdin)).hash)"
    told = [
        subprocess.run([sys.executable, "-c", code], input=json.dumps(make().to_json()), capture_output=True, text=True)
        for _ in range(2)
    ]
    assert [item.stdout.strip() for item in told] == [make().hash] * 2, told[0].stderr


def test_hash_pins_the_format():
    """A change here orphans all results that there are: it must be meant."""
    fields = {
        "task": "a->b",
        "settings": {"weight": 1.0, "layers": [1, 2]},
        "seeds": [0],
        "suite": "x",
        "plugin_files": [],
    }
    assert digest(fields)[:12] == "e093cd1e697d"


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "a->c"},
        {"protocol": "tiny-9"},
        {"strategy": "other"},
        {"settings": (("layers", (1, 2)), ("soft", False), ("weight", 0.6))},
        {"backbone": "other"},
        {"recipe": Recipe(name="short", steps=7)},
        {"seeds": (0, 1, 2)},
    ],
)
def test_hash_changes_with_what_is_computed(changes):
    assert make(**changes).hash != make().hash


def test_hash_does_not_change_with_where_it_comes_from():
    assert make(plugin_files=("x.py",), suite="tiny", recipe_set=("lr=0.1",)).hash == make().hash
    assert make(settings=tuple(reversed(make().settings))).hash == make().hash


def test_weight_is_steps_times_seeds():
    assert make().weight == 12


def test_command_of_a_run():
    expected = "tlx run a:b@tiny-8 shift --backbone net --recipe short --steps 6 --seeds 2"
    assert make().command == expected + " --set layers=1,2 --set soft=false --set weight=0.5"


def test_command_of_a_run_in_a_suite():
    spec = make(suite="tiny", plugin_files=("my file.py",))
    assert spec.command == "tlx bench tiny --tasks a:b@tiny-8 --strategies shift --seeds 2 --plugin 'my file.py'"


def test_as_text():
    assert [as_text(value) for value in (True, None, 0.1, (1, "a"), 3)] == ["true", "none", "0.1", "1,a", "3"]


def test_every_field_is_in_the_json():
    spec = make(weights="net.safetensors", weights_sha256="ab", recipe_set=("lr=0.1",))
    assert set(spec.to_json()) == {field.name for field in dataclasses.fields(Spec)}
    assert Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_weights_count_by_their_content():
    """A run without them keeps the hash that it had before there were any."""
    spec = make(weights="net.safetensors", weights_sha256="ab")
    assert "weights" not in make().to_json()
    assert make(weights="copy.safetensors", weights_sha256="ab").hash == spec.hash != make().hash
    assert make(weights="net.safetensors", weights_sha256="cd").hash != spec.hash
    assert spec.command.endswith("--weights net.safetensors")


@pytest.mark.parametrize("key", ["task", "recipe", "seeds", "settings"])
def test_a_damaged_dict_is_refused(key):
    fields = make().to_json()
    with pytest.raises(ValueError, match=f"missing or unknown fields {key}"):
        Spec.from_json({name: value for name, value in fields.items() if name != key})
    with pytest.raises(ValueError, match=f"{key}: got 3; expected"):
        Spec.from_json(fields | {key: 3})


@pytest.mark.parametrize(
    ("task", "protocol"),
    [
        ("a->b", "P-28"),
        ("a->b/10", "P-28/10"),
        ("a+b->c->d", "P"),
        ("cifar10/100", "P-5k/100"),
        ("->tfds:cifar10", "P-5k"),
        ("folder:/my data/b", "P"),
        ("a->folder:/b@P-28/10", "P-28/10"),
    ],
)
def test_the_full_name_has_the_protocol_where_the_grammar_has_it(task, protocol):
    name = parse(task)
    assert full_name(task, protocol) == str(name._replace(protocol=protocol.removesuffix(f"/{name.shots}")))
    assert parse(full_name(task, protocol)).targets == name.targets


def test_two_targets_keep_their_arrows_in_the_command():
    assert make(task="a->b->c").command.startswith("tlx run 'a->b->c@tiny-8' shift")
