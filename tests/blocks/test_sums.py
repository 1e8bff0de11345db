"""Composed strategies: the sum of the parts' terms, each with its own settings, parameters, extras and randomness."""

import dataclasses
import pickle
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import Additive, Batch, Context, ContractError, Labelled, Model, SettingError, State, Strategy, UnknownName
from tlx import strategy as decorate
from tlx.blocks.sums import compose, composes
from tlx.contract import Unlabelled
from tlx.engine.recipe import Recipe
from tlx.ops import cross_entropy
from tlx.plugins import Registry
from tlx.runs.fingerprint import fingerprint
from tlx.runs.settings import complete_settings
from tlx.runs.spec import Spec

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "strategies"})


@decorate
class Scaled(Additive):
    """A weight times a parameter of its own, and a count in extra."""

    paper = "Doe 2020"
    weight: float = 2.0
    kind: Literal["a", "b"] = "a"

    def __post_init__(self):
        if self.weight < 0:
            raise ValueError("weight is below 0")

    def init(self, model, key):
        state = model.init(key)
        own = {"critic": jax.random.normal(key, ())}
        return state._replace(params={**state.params, **own}, extra={**state.extra, "count": jnp.zeros(())})

    def transfer(self, model, state, outputs, batch, context):
        assert set(state.params) == {"features", "head", "critic"} and set(state.extra) == {"features", "count"}
        term = self.weight * state.params["critic"] * outputs.target.mean()
        state = state._replace(extra={**state.extra, "count": state.extra["count"] + 1})
        return term, state, {"term": term, "noise": jax.random.normal(context.key)}


@decorate
class Gap(Additive):
    """The squared difference of the mean logits."""

    weight: float = 1.0

    def transfer(self, model, state, outputs, batch, context):
        gap = jnp.sum((outputs.source_logits.mean(0) - outputs.target_logits.mean(0)) ** 2)
        return self.weight * gap, state, {"gap": gap}


@decorate
class Odd(Additive):
    """Predicts in its own way, so no other part could count on its loss."""

    def predict(self, model, state, x):
        return x


def features(state, x, train=True):
    seen.append(len(x))
    return x @ state.params["features"], state


seen: list[int] = []
NO: Any = None


def init(key):
    return State({"features": jnp.eye(3), "head": jnp.ones((3, 2)) * jnp.array([1.0, -1.0])}, {"features": jnp.ones(1)})


def classify(state, z, head="head"):
    return z @ state.params[head], state


MODEL = Model(init, features, NO, NO, NO, 3, 2, 4, (1, 1, 3), classify, NO)
X = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
Y = jnp.array([0, 1, 1, 0])
BATCH = Batch(Labelled(jnp.asarray(X[0]), Y, Y * 0), Unlabelled(jnp.asarray(X[1]), Y), None)  # pyright: ignore
CONTEXT = Context(jax.random.key(3), jnp.float32(0.5))
BOTH = compose((("one", Scaled), ("two", Scaled), ("gap", Gap)))


def test_is_the_sum_of_the_terms_and_one_cross_entropy():
    """The trap: a forward pass or a cross-entropy for every part."""
    made = BOTH(**{"one.weight": 3.0, "gap.weight": 0.5})
    state = made.init(MODEL, jax.random.key(0))
    seen.clear()
    loss, after, metrics = made.loss(MODEL, state, BATCH, CONTEXT)
    assert seen == [8]
    source, target = X @ np.array([[1, -1]] * 3, np.float32)
    task = cross_entropy(jnp.asarray(source), Y)
    gap = np.sum((source.mean(0) - target.mean(0)) ** 2)
    critics = float(state.params["one.critic"]), float(state.params["two.critic"])
    terms = 3 * critics[0] * X[1].mean(), 2 * critics[1] * X[1].mean()
    assert loss == pytest.approx(float(task) + sum(terms) + 0.5 * gap, rel=1e-5)
    found = {name: float(value) for name, value in metrics.items()}
    assert found["task"] == pytest.approx(float(task))
    assert (found["one.term"], found["two.term"], found["gap.gap"]) == pytest.approx((*terms, gap), rel=1e-5)
    assert after.extra["one.count"] == after.extra["two.count"] == 1
    assert jax.tree.structure(after) == jax.tree.structure(state)


def test_parts_of_one_name_have_their_own_parameters_and_randomness():
    """The trap: two adversaries that share a critic, or draw the same numbers."""
    state = BOTH().init(MODEL, jax.random.key(0))
    assert set(state.params) == {"features", "head", "one.critic", "two.critic"}
    assert state.params["one.critic"] != state.params["two.critic"]
    _, _, metrics = BOTH().loss(MODEL, state, BATCH, CONTEXT)
    alone = Scaled().loss(MODEL, Scaled().init(MODEL, jax.random.key(0)), BATCH, CONTEXT)[2]
    assert metrics["one.noise"] == alone["noise"] != metrics["two.noise"]


def test_the_first_part_starts_as_it_does_alone():
    """So that a composition whose other weights are 0 is the first part."""
    alone, both = (made.init(MODEL, jax.random.key(5)) for made in (Scaled(), BOTH()))
    assert alone.params["critic"] == both.params["one.critic"]


def test_is_a_pytree_as_its_parts_are():
    """The traps: a weight that is static, so that each value compiles anew; a compiled part that validates a tracer."""
    made = BOTH(**{"two.kind": "b"})
    leaves, tree = jax.tree.flatten(made)
    assert leaves == [2.0, 2.0, 1.0] and tree != jax.tree.structure(BOTH())
    assert jax.tree.unflatten(tree, leaves) == made and hash(made) == hash(BOTH(**{"two.kind": "b"}))
    state, compiled = (
        made.init(MODEL, jax.random.key(0)),
        jax.jit(lambda made, s: made.loss(MODEL, s, BATCH, CONTEXT)[0]),
    )
    assert compiled(made, state) == pytest.approx(float(made.loss(MODEL, state, BATCH, CONTEXT)[0]), rel=1e-5)
    assert compiled(BOTH(**{"two.kind": "b", "gap.weight": 7.0}), state) != compiled(made, state)
    assert compiled._cache_size() == 1  # pyright: ignore[reportAttributeAccessIssue]


def test_settings_are_typed_and_refused_by_part():
    found = dict(complete_settings(BOTH, ["two.kind=b", "gap.weight=3"], "one+two+gap"))
    own = {"one.kind": "a", "one.weight": 2.0, "two.kind": "b", "two.weight": 2.0, "gap.weight": 3.0}
    assert found == {"norm": "joint", **own}
    with pytest.raises(SettingError, match="'one.kind': got 'c', expected .*a.*b"):
        complete_settings(BOTH, ["one.kind=c"])
    with pytest.raises(SettingError, match="no setting 'weight'. Did you mean .*gap.weight"):
        complete_settings(BOTH, ["weight=1"])
    with pytest.raises(SettingError, match="refuses its settings: weight is below 0"):
        complete_settings(BOTH, {"two.weight": -1.0})
    with pytest.raises(TypeError, match="no setting three.weight"):
        BOTH(**{"three.weight": 1.0})


def test_facts_are_those_of_the_parts():
    assert BOTH.setting == "unsupervised" and BOTH.paper == "Doe 2020; Doe 2020"
    assert BOTH.__name__ == "one+two+gap" and "one and two and gap" in (BOTH.__doc__ or "")
    assert compose((("one", Scaled), ("gap", Gap))) is compose((("one", Scaled), ("gap", Gap))), (
        "one class, one program"
    )


def test_what_composes():
    assert composes(Scaled) and composes(BOTH) and not composes(Odd) and not composes(Strategy)


def test_is_got_by_its_name():
    entry = REGISTRY.entry("strategies", "dann + mcc")
    assert (entry.name, entry.plugin, entry.facts["paper"]) == (
        "dann+mcc",
        "strategies",
        "Ganin et al. 2016; Jin et al. 2020",
    )
    kind = REGISTRY.get("strategies", "dann+mcc")
    assert REGISTRY.get("strategies", "dann + mcc") is kind
    assert [type(part).__name__ for part in kind().parts().values()] == ["DANN", "MCC"]


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("dann+mcd", ContractError, "'dann\\+mcd': 'mcd' is not cross-entropy .* these do: .*dann.*mcc"),
        ("dann+dann", ContractError, "names 'dann' twice"),
        ("dann+mmc", UnknownName, "Unknown strategy 'mmc'. Did you mean"),
        ("dann+", UnknownName, "Unknown strategy ''"),
    ],
)
def test_a_name_that_does_not_compose_says_why(name, error, text):
    with pytest.raises(error, match=text):
        REGISTRY.get("strategies", name)


def test_spec_and_fingerprint_hold_the_parts():
    """The trap: a result that is taken for that of other parts or weights, or survives a change of a part's code."""
    kind, other = (REGISTRY.get("strategies", name) for name in ("dann+mcc", "dann+coral"))
    settings = complete_settings(kind, ["mcc.weight=0.1"], "dann+mcc")
    spec = Spec("a->b", "p", "dann+mcc", settings, "lenet", Recipe(), (0,))
    assert "--set mcc.weight=0.1" in spec.command and " dann+mcc " in spec.command
    assert Spec.from_json(spec.to_json()) == pickle.loads(pickle.dumps(spec)) == spec
    assert spec.hash != dataclasses.replace(spec, settings=complete_settings(kind, ["mcc.weight=0.2"])).hash
    assert fingerprint(kind) == fingerprint(kind) != fingerprint(other)
    assert fingerprint(kind) not in ("", fingerprint(REGISTRY.get("strategies", "dann")))
