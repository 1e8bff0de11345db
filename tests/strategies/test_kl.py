"""KL guided domain adaptation."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import norm
from states import cross_entropy, features, logits, same, together
from terms import Four

from tlx import ContractError
from tlx.testing import Probe, TinyBN
from tlx_strategies.kl import KL


class Odd(TinyBN):
    """Of an odd width."""

    def __init__(self, shape, rngs):
        super().__init__(shape, rngs)
        self.width = 15

    def __call__(self, x):
        return super().__call__(x)[:, :15]


@pytest.fixture(scope="module")
def probe() -> Probe:
    probe = Probe(KL(beta=0.5, beta_aux=0.2, width=2, samples=5))
    probe.begin()
    return probe


def encoded(probe: Probe, z) -> tuple[np.ndarray, np.ndarray]:
    """mu and sigma by hand."""
    (layer,) = probe.state.params["encoder"]["layers"].values()
    halves = np.asarray(z, np.float64) @ np.asarray(layer["kernel"], np.float64) + np.asarray(layer["bias"], np.float64)
    return halves[:, :2], np.log1p(np.exp(halves[:, 2:])) + 1e-4


def test_is_a_loop_over_the_minibatch(probe):
    """The trap: the direction. beta weighs KL(target || source), over samples of the target; beta_aux its reverse."""
    codes = {}
    for domain, z, key in zip("st", together(probe), jax.random.split(probe.context().key), strict=True):
        mean, std = encoded(probe, z)
        codes[domain] = mean, std, mean + std * np.float64(jax.random.normal(key, mean.shape))

    def density(z, domain):
        means, stds, _ = codes[domain]
        return np.mean([np.prod(norm.pdf(z, mean, std)) for mean, std in zip(means, stds, strict=True)])

    def divergence(p, q):
        return np.mean([np.log(density(z, p) / density(z, q)) for z in codes[p][2]])

    task = cross_entropy(logits(probe, codes["s"][2]), probe.batch.source.y)
    loss, metrics = probe.value()
    assert metrics["kl"] == pytest.approx(divergence("t", "s"), rel=1e-3)
    assert metrics["reverse_kl"] == pytest.approx(divergence("s", "t"), rel=1e-3)
    assert loss == pytest.approx(task + 0.5 * divergence("t", "s") + 0.2 * divergence("s", "t"), rel=1e-3)


def test_predicts_the_mean_probability_of_several_samples(probe):
    """The trap: a prediction that differs from call to call, or one that averages logits instead of probabilities."""
    got = probe.predict()
    assert same(got, probe.predict())
    np.testing.assert_allclose(np.exp(got).sum(1), 1, rtol=1e-5)
    mean, std = encoded(probe, features(probe, probe.batch.target.x, train=False))
    many = Probe(dataclasses.replace(probe.strategy, samples=4000)).predict(state=probe.state)
    noise = np.random.default_rng(0).normal(size=(4000, 1, 2))
    out = np.float64(logits(probe, (mean + std * noise).reshape(-1, 2))).reshape(4000, len(mean), 3)
    expected = softmax(out, -1).mean(0)
    np.testing.assert_allclose(np.exp(many), expected, atol=0.03)
    assert not same(got, many)


def test_without_an_encoder_halves_the_features():
    strategy = KL(width=0)
    probe = Probe(strategy, Four)
    state = probe.begin()
    assert list(state.params) == ["features", "head"] and state.params["head"]["kernel"].shape == (2, 3)
    z = jax.random.normal(jax.random.key(1), (8, 4))
    mean, std = strategy.encode(probe.model, state, z)
    np.testing.assert_array_equal(mean, z[:, :2])
    np.testing.assert_allclose(std, np.log1p(np.exp(z[:, 2:])) + 1e-4, rtol=1e-5)
    with pytest.raises(ContractError, match="got 15, an odd number"):
        jax.eval_shape(lambda key: strategy.init(Probe(strategy, Odd).model, key), jax.random.key(0))
    assert jnp.isfinite(probe.value()[0])
