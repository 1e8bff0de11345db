"""Facts of a task go through JSON and shape the same model."""

import json

import numpy as np
import pytest

from tlx.data.facts import Facts
from tlx.data.tree import map_leaves
from tlx.engine.apply import spec_of
from tlx.engine.train import model_spec
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

TASKS = [
    {}, {"input": "vector"}, {"input": "sequence"}, {"input": "tokens"}, {"input": "tree"}, {"real": True},
    {"space": "open"}, {"space": "discovery"}, {"space": "incremental"}, {"domains": 2},
]  # fmt: skip


@pytest.mark.parametrize("how", TASKS, ids=str)
def test_facts_through_a_file_shape_the_same_model(how):
    data = tiny_task(**how)
    facts = Facts.from_json(json.loads(json.dumps(Facts.of(data).to_json())))
    assert spec_of(TinyBN, facts, tiny_recipe()) == model_spec(TinyBN, data, tiny_recipe())
    map_leaves(np.testing.assert_array_equal, facts.mean, data.mean)
    map_leaves(np.testing.assert_array_equal, facts.std, data.std)
    assert facts.input == data.input and facts.names == tuple(data.space.output_names)
