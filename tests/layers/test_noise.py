import jax
from flax import nnx

from tlx.layers import GaussianNoise


def test_noise_has_its_deviation_in_training_and_is_new_at_every_call():
    layer = GaussianNoise(2.0, nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (40, 50, 10))
    first, second = layer(x) - x, layer(x) - x
    assert abs(float(first.mean())) < 0.06 and abs(float(first.std()) - 2) < 0.06  # four standard errors
    assert abs(float((first * second).mean())) < 0.12
    layer.eval()
    assert layer(x) is x
