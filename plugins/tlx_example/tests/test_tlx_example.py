import jax.numpy as jnp
import numpy as np

from tlx.testing import parametrize_with_checks
from tlx_example.moments import Moments, central_moments
from tlx_example.stripes import stripes, waves
from tlx_example.tiny import Tiny


@parametrize_with_checks([Moments, Tiny, stripes, waves])
def test_conformance(subject, check):
    check(subject)


def test_central_moments_are_those_of_numpy():
    random = np.random.default_rng(0)
    source, target = random.uniform(size=(40, 3)), random.uniform(size=(30, 3)) ** 2
    expected = np.linalg.norm(source.mean(0) - target.mean(0))
    for k in (2, 3):
        moments = [np.array([np.mean((c - c.mean()) ** k) for c in sample.T]) for sample in (source, target)]
        expected += np.linalg.norm(moments[0] - moments[1])
    np.testing.assert_allclose(central_moments(jnp.array(source), jnp.array(target), 3), expected, rtol=1e-5)
