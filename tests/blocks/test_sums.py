"""Composed strategies: the sum of the parts' terms, each with its own settings, networks, extras and randomness."""

import dataclasses
import pickle
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from states import cross_entropy, logits, same, together

from tlx import Additive, ContractError, SettingError, Strategy, UnknownName
from tlx import strategy as decorate
from tlx.blocks.sums import compose, composes, fields
from tlx.engine.recipe import Recipe
from tlx.plugins import Registry
from tlx.runs.fingerprint import fingerprint
from tlx.runs.settings import make_strategy, parse_settings
from tlx.runs.spec import Spec
from tlx.testing import Probe

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "strategies"})


@decorate
class Scaled(Additive):
    """A weight times a parameter of its own, a network with batch norm, and a count in extra."""

    paper = "Doe 2020"
    inputs = ("image", "vector")
    weight: float = 2.0
    kind: Literal["a", "b"] = "a"

    def __post_init__(self):
        if self.weight < 0:
            raise ValueError("weight is below 0")

    def init(self, model, key):
        key, own, net_key = jax.random.split(key, 3)
        state = model.add(model.init(key), net_key, "norm", lambda rngs: nnx.BatchNorm(model.width, rngs=rngs))
        return state.put_params(critic=jax.random.normal(own, ())).put(count=jnp.zeros(()))

    def transfer(self, model, state, outputs, batch, context):
        assert set(state.params) == {"features", "head", "norm", "critic"} and set(state.extra) == {"count"}
        normal, state = model.apply(state, "norm", outputs.target)
        term = self.weight * state.params["critic"] * (outputs.target.mean() + 0 * normal.mean())
        return term, state.put(count=state.extra["count"] + 1), {"term": term, "noise": jax.random.normal(context.key)}


@decorate
class Gap(Additive):
    """The squared difference of the mean logits."""

    inputs = ("vector", "image", "sequence")
    targets = ("classes", "real")
    weight: float = 1.0

    def transfer(self, model, state, outputs, batch, context):
        gap = jnp.sum((outputs.source_logits.mean(0) - outputs.target_logits.mean(0)) ** 2)
        return self.weight * gap, state, {"gap": gap}


@decorate
class Odd(Additive):
    """Predicts in its own way, so no other part could count on its loss."""

    def predict(self, model, state, x):
        return x


BOTH = compose((("one", Scaled), ("two", Scaled), ("gap", Gap)))


def probed(strategy: Strategy, seed: int = 0) -> Probe:
    probe = Probe(strategy, seed=seed)
    probe.begin()
    return probe


def test_is_the_sum_of_the_terms_and_one_cross_entropy():
    """The trap: a forward pass or a cross-entropy for every part."""
    probe = probed(BOTH(**{"one.weight": 3.0, "gap.weight": 0.5}))
    state, (loss, metrics), after = probe.state, probe.value(), probe.seen()
    z, target = together(probe)
    source_logits, target_logits = (np.float64(logits(probe, each)) for each in (z, target))
    task = cross_entropy(source_logits, probe.batch.source.y)
    gap = np.sum((source_logits.mean(0) - target_logits.mean(0)) ** 2)
    critics = float(state.params["one.critic"]), float(state.params["two.critic"])
    terms = 3 * critics[0] * target.mean(), 2 * critics[1] * target.mean()
    assert loss == pytest.approx(task + sum(terms) + 0.5 * gap, rel=1e-4)
    assert metrics["task"] == pytest.approx(task, rel=1e-5)
    assert (metrics["one.term"], metrics["two.term"], metrics["gap.gap"]) == pytest.approx((*terms, gap), rel=1e-3)
    assert after.extra["one.count"] == after.extra["two.count"] == 1
    assert jax.tree.structure(after) == jax.tree.structure(state)
    once = probe.model.features(state, jnp.concatenate([probe.batch.source.x, probe.batch.target.x]))[1]
    jax.tree.map(
        lambda got, expected: np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7),
        after.stats["features"],
        once.stats["features"],
    )


def test_parts_of_one_name_have_their_own_networks_and_randomness():
    """The traps: two adversaries that share a critic or its statistics, or draw the same numbers."""
    probe, alone = probed(BOTH()), probed(Scaled())
    own = {f"{part}.{name}" for part in ("one", "two") for name in ("critic", "norm")}
    state, after = probe.state, probe.seen()
    assert set(state.params) == {"features", "head"} | own
    assert set(state.stats) == {"features", "head", "one.norm", "two.norm"}
    assert state.params["one.critic"] != state.params["two.critic"]
    assert not any(same(state.stats[name], after.stats[name]) for name in ("one.norm", "two.norm"))
    noise = probe.value()[1]
    assert noise["one.noise"] == alone.value()[1]["noise"] != noise["two.noise"]


def test_parts_share_no_number_with_what_the_first_splits():
    """The trap: `fold_in(key, 1)` is the second key of `split(key)`, which the first part may draw by."""
    key = jax.random.key(3)
    keys = [jax.random.key_data(own) for _, _, own in BOTH()._keyed(key)]
    split = jax.random.key_data(jax.random.split(jax.random.key(3), 1000))
    assert same(keys[0], jax.random.key_data(jax.random.key(3)))
    assert not any((split == own[None]).all(1).any() for own in keys[1:]) and not same(keys[1], keys[2])


def test_the_first_part_starts_as_it_does_alone():
    """So that a composition whose other weights are 0 is the first part."""
    alone, both = (probed(strategy, seed=5).state for strategy in (Scaled(), BOTH()))
    assert alone.params["critic"] == both.params["one.critic"]
    assert same(alone.params["features"], both.params["features"]) and same(alone.params["head"], both.params["head"])


def test_is_a_pytree_as_its_parts_are():
    """The traps: a weight that is static, so that each value compiles anew; a compiled part that validates a tracer."""
    made = BOTH(**{"two.kind": "b"})
    leaves, tree = jax.tree.flatten(made)
    assert leaves == [2.0, 2.0, 1.0] and tree != jax.tree.structure(BOTH())
    assert jax.tree.unflatten(tree, leaves) == made and hash(made) == hash(BOTH(**{"two.kind": "b"}))
    probe = probed(made)
    compiled = jax.jit(lambda made, state: made.loss(probe.model, state, probe.batch, probe.context())[0])
    assert compiled(made, probe.state) == pytest.approx(probe.value()[0], rel=1e-5)
    assert compiled(BOTH(**{"two.kind": "b", "gap.weight": 7.0}), probe.state) != compiled(made, probe.state)
    assert compiled._cache_size() == 1  # pyright: ignore[reportAttributeAccessIssue]


def test_settings_are_typed_and_refused_by_part():
    def complete(settings):
        return dict(make_strategy(BOTH, parse_settings(BOTH, settings, "one+two+gap"), "one+two+gap")[1])

    own = {"one.kind": "a", "one.weight": 2.0, "two.kind": "b", "two.weight": 2.0, "gap.weight": 3.0}
    assert complete(["two.kind=b", "gap.weight=3"]) == {"norm": "joint", **own}
    assert fields(BOTH)["two.weight"] == (float, 2.0) and fields(Gap)["weight"] == (float, 1.0)
    with pytest.raises(SettingError, match="'one.kind': got 'c', expected .*a.*b"):
        complete(["one.kind=c"])
    with pytest.raises(SettingError, match="no setting 'weight'. Did you mean .*gap.weight"):
        complete(["weight=1"])
    with pytest.raises(SettingError, match="refuses its settings: weight is below 0"):
        complete({"two.weight": -1.0})
    with pytest.raises(TypeError, match="no setting three.weight"):
        BOTH(**{"three.weight": 1.0})


def test_facts_are_those_of_the_parts():
    assert BOTH.setting == "unsupervised" and BOTH.paper == "Doe 2020; Doe 2020"
    assert BOTH.__name__ == "one+two+gap" and "one and two and gap" in (BOTH.__doc__ or "")
    assert compose((("one", Scaled), ("gap", Gap))) is compose((("one", Scaled), ("gap", Gap))), (
        "one class, one program"
    )
    assert BOTH.inputs == ("image", "vector") and BOTH.targets == ("classes",) and BOTH.spaces == ()


def test_parts_for_different_inputs_do_not_compose():
    """The trap: nothing in common taken for "any"."""

    @decorate
    class Words(Gap):
        """For tokens."""

        inputs = ("tokens",)

    with pytest.raises(ContractError, match="'gap\\+words': its parts have no kind of inputs in common"):
        compose((("gap", Gap), ("words", Words)))


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
    assert [type(part).__name__ for part in kind().parts] == ["DANN", "MCC"]


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
    settings, other_settings = (
        make_strategy(kind, parse_settings(kind, [f"mcc.weight={weight}"]))[1] for weight in (0.1, 0.2)
    )
    spec = Spec("a->b", "p", "dann+mcc", settings, "lenet", Recipe(), (0,))
    assert "--set mcc.weight=0.1" in spec.command and " dann+mcc " in spec.command
    assert Spec.from_json(spec.to_json()) == pickle.loads(pickle.dumps(spec)) == spec
    assert spec.hash != dataclasses.replace(spec, settings=other_settings).hash
    assert fingerprint(kind) == fingerprint(kind) != fingerprint(other)
    assert fingerprint(kind) not in ("", fingerprint(REGISTRY.get("strategies", "dann")))
