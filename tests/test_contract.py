"""Float settings are leaves; what is not shown says so; a target batch has no place for a label."""

import jax
import pytest

from tlx import Batch, ContractError, NotShown, NotShownError, Strategy, Unlabelled, strategy


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
    assert Unlabelled._fields == ("x", "index")
