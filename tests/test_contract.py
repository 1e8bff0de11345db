"""Float settings are leaves; what is not shown says so; a target batch has no place for a label."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import Batch, ContractError, Labelled, NotShown, NotShownError, Phase, State, Strategy, Unlabelled, strategy
from tlx.contract import Model, static
from tlx.engine.model import PureModel


@strategy
class Weighted(Strategy):
    """Has one setting of each kind."""

    weight: float = 0.5
    layers: tuple[int, ...] = (1, 2)


def test_float_fields_are_leaves_and_others_static():
    assert jax.tree.leaves(Weighted(weight=2.0)) == [2.0]
    same, other = jax.tree.structure(Weighted()), jax.tree.structure(Weighted(layers=(3,)))
    assert jax.tree.structure(Weighted(weight=9.0)) == same != other


@strategy
class Twin(Strategy):
    """Has the fields of Weighted."""

    weight: float = 0.5
    layers: tuple[int, ...] = (1, 2)


def test_classes_with_equal_fields_have_structures_that_differ():
    """The trap: under one jit the program of one strategy would run for the other."""
    assert jax.tree.structure(Weighted()) != jax.tree.structure(Twin())
    named = jax.jit(lambda strategy: 1 if isinstance(strategy, Twin) else 0)
    assert [int(named(one)) for one in (Weighted(), Twin(), Weighted())] == [0, 1, 0]
    assert jax.tree.map(lambda w: 2 * w, Weighted(weight=3.0)) == Weighted(weight=6.0)


def test_a_new_float_traces_nothing_again():
    traces = []

    @jax.jit
    def double(strategy):
        traces.append(strategy.layers)
        return 2 * strategy.weight

    assert [float(double(Weighted(weight=w))) for w in (1.0, 2.0)] == [2.0, 4.0]
    assert traces == [(1, 2)]


def test_a_strategy_is_frozen():
    with pytest.raises(AttributeError):
        Weighted().weight = 1.0  # pyright: ignore[reportAttributeAccessIssue]


def test_strategy_refuses_another_class():
    with pytest.raises(ContractError, match="derives from tlx.Strategy"):
        strategy(int)


def test_strategy_wants_defaults():
    with pytest.raises(ContractError, match="'weight' needs a plain default"):

        @strategy
        class Bare(Strategy):
            weight: float


def test_strategy_refuses_a_mutable_default():
    with pytest.raises(ContractError, match="Listed"):

        @strategy
        class Listed(Strategy):
            layers: list = []  # noqa: RUF012


@pytest.mark.parametrize("read", [lambda b: b.x, lambda b: list(b), lambda b: b[0]])
def test_what_is_not_shown_names_itself(read):
    hidden = NotShown("source", ("target",), "strategy Mine, phase adapt")
    with pytest.raises(NotShownError, match=r"strategy Mine, phase adapt reads batch.source.*it is shown: target"):
        read(hidden)
    assert not hidden


def test_not_shown_goes_through_jit():
    hidden = NotShown("source", ("target",), "here")
    assert jax.jit(lambda batch: 1 if batch.source else 2)(Batch(hidden, hidden, hidden)) == 2  # pyright: ignore


def test_a_target_batch_has_no_label():
    assert Unlabelled._fields == ("x", "domain", "index")


@strategy
class Shaped(Strategy):
    """Has a float that shapes its program, beside one that does not."""

    share: float = static(0.5)
    weight: float = 1.0


def test_a_float_may_be_static():
    assert jax.tree.leaves(Shaped(share=0.2, weight=3.0)) == [3.0]
    structures = [jax.tree.structure(Shaped(share=share)) for share in (0.5, 0.2)]
    assert structures[0] == jax.tree.structure(Shaped()) != structures[1]
    traces = []

    @jax.jit
    def weigh(strategy):
        traces.append(strategy.share)
        return strategy.weight * strategy.share

    got = [float(weigh(Shaped(share, weight))) for share, weight in ((0.5, 1.0), (0.5, 2.0), (0.25, 2.0))]
    assert got == [0.5, 1.0, 0.5] and traces == [0.5, 0.25]


def test_a_static_float_needs_no_other_value_to_be_a_plain_default():
    assert Shaped() == Shaped(0.5, 1.0) and hash(jax.tree.structure(Shaped()))


def test_puts_replace_and_add_and_leave_the_state_as_it_was():
    state = State({"a": 1}, {"a": 2}, {"bank": 3})
    assert state.put(bank=4, more=5).extra == {"bank": 4, "more": 5}
    assert state.put_params(b=6).params == {"a": 1, "b": 6}
    assert state.put_stats(a=7).stats == {"a": 7}
    assert state == State({"a": 1}, {"a": 2}, {"bank": 3})


@pytest.mark.parametrize("kind", [Labelled, Unlabelled])
def test_equal_blocks_of_domains_are_an_axis(kind):
    x = {"first": jnp.arange(12).reshape(6, 2), "other": jnp.arange(6)}
    columns = {"x": x, "y": jnp.arange(6), "domain": jnp.repeat(jnp.arange(3), 2), "index": 10 + jnp.arange(6)}
    blocks = kind(**{name: columns[name] for name in kind._fields}).by_domain(3)
    assert blocks.x["first"].shape == (3, 2, 2) and blocks.index.tolist() == [[10, 11], [12, 13], [14, 15]]
    np.testing.assert_array_equal(blocks.domain, [[0, 0], [1, 1], [2, 2]])
    np.testing.assert_array_equal(blocks.x["other"], [[0, 1], [2, 3], [4, 5]])


def test_what_a_model_offers_is_in_the_contract_with_the_same_parameters():
    """The trap: a strategy is written by the contract, and runs on the engine's model."""
    named = [name for name, value in vars(Model).items() if not name.startswith("_") and value is not None]
    assert {"features", "classify", "add", "apply", "copy", "renew", "augment", "task_loss", "rows"} <= set(named)
    for name in named:
        theirs: Any = getattr(PureModel, name, None)
        if isinstance(vars(Model)[name], property):
            assert theirs is not None or name in PureModel.__dataclass_fields__, name
            continue
        ours, own = (inspect.signature(each).parameters for each in (vars(Model)[name], theirs))
        assert {key: value.kind for key, value in ours.items()} == {key: value.kind for key, value in own.items()}
    for name in named:
        doc = vars(Model)[name].__doc__
        assert name in ("init",) or doc, f"{name} has no docstring"


def test_the_default_phase_trains_everything_on_source_and_target():
    (phase,) = Weighted().phases(None)  # pyright: ignore[reportArgumentType]
    assert phase.name == "train" and phase.sees == {"source", "target"} and phase.online is None
    assert [objective.trains for objective in phase.objectives] == [("*",)]
    assert Phase().objectives == () and Phase().batch == {} and Phase().draw == {} and Phase().recipe == {}
    phase, state = Phase(), State({}, {}, {})
    other: Any = object()
    hooks: list[Any] = [lambda s: phase.begin(s, other), lambda s: phase.refresh(s, {}, other)]
    hooks.append(lambda s: phase.after(s, other, other))
    assert all(hook(state) is state for hook in hooks)
