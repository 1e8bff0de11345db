"""Discrepancies against NumPy, scipy, scikit-learn's kernels, loops and closed forms."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.optimize import approx_fprime
from scipy.special import softmax
from scipy.stats import moment
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel

from tlx import ops

covariance, mean_and_variance = jax.jit(ops.covariance), jax.jit(ops.mean_and_variance)


@pytest.mark.parametrize("n", [2, 9])
def test_moments_are_those_of_numpy(n):
    x = np.random.default_rng(n).normal(size=(n, 4))
    mean, variance = mean_and_variance(x)
    np.testing.assert_allclose(covariance(x), np.cov(x.T))
    np.testing.assert_allclose(mean, np.mean(x, 0))
    np.testing.assert_allclose(variance, np.var(x, 0))


coral = jax.jit(ops.coral, static_argnames="means")


def clouds(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(7, 3)), random.normal(size=(5, 3)) @ random.normal(size=(3, 3))


@pytest.mark.parametrize("seed", range(3))
def test_coral_is_the_gap_of_numpy_covariances(seed):
    source, target = clouds(seed)
    gap = np.linalg.norm(np.cov(source.T) - np.cov(target.T), "fro")
    assert coral(source, target) == pytest.approx(gap**2 / (4 * 3**2))


def test_coral_of_known_covariances():
    """Rows +-e_i have covariance 2/3 I; of those doubled it is 8/3 I: the gap 2 I has squared norm 8, over 4 * 2^2."""
    rows = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    assert coral(rows, 2 * rows) == pytest.approx(8 / 16)


def test_coral_adds_means_on_request_only():
    """TLLib's CORAL adds the mean squared difference of the means; the paper's is blind to means."""
    source, _ = clouds(0)
    assert coral(source, source + 2) == pytest.approx(0, abs=1e-12)
    assert coral(source, source + 2, means=True) == pytest.approx(4)


def test_coral_of_tllib_has_no_quarter():
    """TLLib and DomainBed: mean((C_s - C_t)^2) + mean((m_s - m_t)^2). The paper has a quarter of the first alone."""
    source, target = clouds(0)
    gap = np.mean((np.cov(source.T) - np.cov(target.T)) ** 2)
    moved = np.mean((source.mean(0) - target.mean(0)) ** 2)
    assert coral(source, target, means=True) == pytest.approx(gap / 4 + moved)
    assert 4 * coral(source, target) + moved == pytest.approx(gap + moved)
    found = float(coral(source, target)), float(coral(source, target, means=True)), gap + moved
    assert found == pytest.approx((0.061584, 0.084098, 0.268850), rel=1e-4)


@given(st.integers(0, 2**32 - 1))
def test_coral_is_symmetric_and_blind_to_order_and_place(seed):
    source, target = clouds(seed)
    value = coral(source, target)
    assert coral(target, source) == pytest.approx(value)
    assert coral(source[::-1] + 5, target) == pytest.approx(value)
    assert coral(source, source[::-1]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("means", [False, True])
def test_gradient_of_coral_is_numeric(means):
    source, target = clouds(1)
    check_grads(lambda s, t: coral(s, t, means=means), (source, target), order=1, modes=["rev"])


def test_coral_of_equal_samples_has_no_gradient():
    source, _ = clouds(2)
    np.testing.assert_allclose(jax.grad(coral)(source, source), 0, atol=1e-12)


cmd = jax.jit(ops.central_moment_discrepancy, static_argnames=("moments", "span"))


def bounded(seed: int, width: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(size=(6, width)), random.beta(2, 5, size=(5, width))


@pytest.mark.parametrize("span", [1.0, 2.0])
@pytest.mark.parametrize("moments", [1, 3, 5])
def test_cmd_is_that_of_scipys_moments(moments, span):
    source, target = bounded(0)
    expected = np.linalg.norm(source.mean(0) - target.mean(0)) / span
    for k in range(2, moments + 1):
        expected += np.linalg.norm(moment(source, k) - moment(target, k)) / span**k
    assert cmd(source, target, moments, span) == pytest.approx(expected)


def test_gradient_of_cmd_is_numeric_and_finite_at_equal_samples():
    source, target = bounded(1)
    check_grads(cmd, (source, target), order=1, modes=["rev"])
    value, gradient = jax.value_and_grad(cmd)(source, source)
    assert value == pytest.approx(0, abs=1e-12) and np.isfinite(gradient).all()


@given(st.integers(0, 2**32 - 1))
def test_cmd_is_symmetric_and_blind_to_order_and_to_the_unit(seed):
    source, target = bounded(seed)
    order = np.random.default_rng(seed).permutation(6)
    value = cmd(source, target)
    assert value > 0 and cmd(target, source) == pytest.approx(value)
    assert cmd(source[order], target) == pytest.approx(value)
    assert cmd(2 * source - 1, 2 * target - 1, span=2.0) == pytest.approx(value)


def test_cmd_of_the_authors_does_not_divide_by_the_span():
    """Their k-th term is span^k times the paper's: the same for sigmoid, 2^k times for tanh."""
    source, target = (2 * x - 1 for x in bounded(0))
    totals = [0.0, *(float(cmd(source, target, k, 2.0)) for k in (1, 2, 3, 4, 5))]
    theirs = np.linalg.norm(source.mean(0) - target.mean(0))
    assert 2 * totals[1] == pytest.approx(theirs)
    for k in (2, 3, 4, 5):
        own = np.linalg.norm(moment(source, k) - moment(target, k))
        assert 2**k * (totals[k] - totals[k - 1]) == pytest.approx(own)
        theirs += own
    assert (totals[5], theirs) == pytest.approx((0.693375, 2.683772), rel=1e-5)


moment_distance = jax.jit(ops.moment_distance)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_moment_distance_over_all_tuples_is_the_tensors_norm(order):
    source, target = bounded(2)
    letters = "ijk"[:order]
    tensor = ",".join(f"n{letter}" for letter in letters) + "->" + letters
    gap = np.einsum(tensor, *[source] * order) / 6 - np.einsum(tensor, *[target] * order) / 5
    every = np.array(list(itertools.product(range(3), repeat=order)))
    found = moment_distance(source, target, every)
    assert found == pytest.approx(np.sum(gap**2) / 3**order)
    check_grads(lambda s: moment_distance(s, target, every), (source,), order=1, modes=["rev"])


def test_random_tuples_give_moment_distance_on_average():
    source, target = bounded(3)
    every = np.array(list(itertools.product(range(3), repeat=3)))
    drawn = np.random.default_rng(0).integers(0, 3, (300, 40, 3))
    values = np.asarray(jax.vmap(moment_distance, (None, None, 0))(source, target, drawn))
    error = values.std() / np.sqrt(len(values))
    assert abs(values.mean() - moment_distance(source, target, every)) < 4 * error


def test_moment_distance_of_the_authors_code_is_of_centred_samples():
    """Their third order: each batch less its mean, then the mean over all triples of the squared gap."""
    source, target = bounded(2)
    every = np.array(list(itertools.product(range(3), repeat=3)))
    central = [x - x.mean(0) for x in (source, target)]
    thirds = [np.einsum("ni,nj,nk->ijk", x, x, x) / len(x) for x in central]
    theirs = np.mean((thirds[0] - thirds[1]) ** 2)
    assert moment_distance(*central, every) == pytest.approx(theirs)
    assert (float(moment_distance(source, target, every)), theirs) == pytest.approx((0.0121949, 8.41973e-6), rel=1e-5)


def test_equal_covariances_do_not_hide_a_third_moment():
    """The point of the method: a skewed sample and its mirror image, centred, which CORAL takes for equal."""
    skewed = np.random.default_rng(0).exponential(size=(50, 2))
    skewed -= skewed.mean(0)
    assert coral(skewed, -skewed) == pytest.approx(0, abs=1e-12)
    every = np.array(list(itertools.product(range(2), repeat=3)))
    assert moment_distance(skewed, -skewed, every) > 0.1


squared_distances = jax.jit(ops.squared_distances)
mmd_linear = jax.jit(ops.mmd_linear)
mmd_quadratic = jax.jit(ops.mmd_quadratic, static_argnames="unbiased")
gaussian_kernels = jax.jit(ops.gaussian_kernels)
SCALES = [2.0**k for k in range(-3, 2)]
seeds = st.integers(0, 2**32 - 1)


def shifted(seed: int, n: int = 6, m: int = 5, width: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, width)), 0.5 + 2 * random.normal(size=(m, width))


def mean_of_pairs(source: np.ndarray, target: np.ndarray) -> float:
    return (euclidean_distances(np.concatenate([source, target])) ** 2).mean()


def by_sklearn(source, target, unbiased: bool, mean: float | None = None) -> float:
    mean = mean_of_pairs(source, target) if mean is None else mean
    total = 0.0
    for scale in SCALES:
        gamma = 1 / (2 * scale * mean)
        within_s, within_t = rbf_kernel(source, gamma=gamma), rbf_kernel(target, gamma=gamma)
        n, m = len(source), len(target)
        if unbiased:
            total += (within_s.sum() - n) / (n * (n - 1)) + (within_t.sum() - m) / (m * (m - 1))
        else:
            total += within_s.mean() + within_t.mean()
        total -= 2 * rbf_kernel(source, target, gamma=gamma).mean()
    return total


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_quadratic_mmd_is_that_of_sklearn_kernels(seed, unbiased):
    source, target = shifted(seed)
    assert mmd_quadratic(source, target, unbiased=unbiased) == pytest.approx(by_sklearn(source, target, unbiased))


@pytest.mark.parametrize("n", [2, 6, 7])
def test_linear_mmd_is_a_loop_over_quadruples(n):
    source, target = shifted(n, n, n)
    quadruples = [(source[i], source[i + 1], target[i], target[i + 1]) for i in range(0, n - 1, 2)]
    pairs = [((a, b), (c, d), (a, d), (b, c)) for a, b, c, d in quadruples]
    mean = np.mean([np.sum((x - y) ** 2) for four in pairs for x, y in four])
    total = 0.0
    for four in pairs:
        for sign, (x, y) in zip((1, 1, -1, -1), four, strict=True):
            total += sign * sum(np.exp(-np.sum((x - y) ** 2) / (2 * scale * mean)) for scale in SCALES)
    assert mmd_linear(source, target) == pytest.approx(total / len(pairs))


def rectified(n: int, shift: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Features after a ReLU, 256 wide, the target's further by `shift` before it."""
    random = np.random.default_rng(0)
    source, target = random.normal(size=(n, 256)), shift + random.normal(size=(n, 256))
    return np.maximum(source, 0), np.maximum(target, 0)


def test_quadratic_mmd_of_tllib_is_unbiased_and_a_constant_more():
    """TLLib weighs pairs within a domain 1 / (n (n - 1)), those across 1 / n^2, and adds 2 / (n - 1)."""
    source, target = rectified(128)
    theirs = by_sklearn(source, target, unbiased=True) + 2 / 127
    assert mmd_quadratic(source, target, unbiased=True) + 2 / 127 == pytest.approx(theirs)
    found = float(mmd_quadratic(source, target)), theirs - 2 / 127
    assert found == pytest.approx((0.06310, 0.01490), abs=5e-6)
    # what lies between: V-statistics count each point's kernel with itself, 5 here, and so the other pairs less
    within = [
        sum(rbf_kernel(x, gamma=1 / (2 * scale * mean_of_pairs(source, target))).sum() for scale in SCALES)
        for x in (source, target)
    ]
    self_pairs = sum(5 / 128 - (whole - 5 * 128) / (128**2 * 127) for whole in within)
    assert found[0] - found[1] == pytest.approx(self_pairs)


@pytest.mark.parametrize(
    ("n", "shift", "ours", "theirs", "cosine", "length"),
    [
        (32, 0.1, 0.20669, 0.01291, 0.9935, 0.9696),
        (32, 0.5, 0.49355, 0.30557, 0.9989, 0.9608),
        (128, 0.1, 0.06310, 0.01490, 0.9991, 0.9795),
        (128, 0.5, 0.36025, 0.31352, 0.9999, 0.9890),
    ],
)
def test_gradient_of_the_biased_mmd_is_nearly_that_of_tllibs(n, shift, ours, theirs, cosine, length):
    source, target = rectified(n, shift)
    assert by_sklearn(source, target, unbiased=True) == pytest.approx(theirs, abs=6e-6)
    assert mmd_quadratic(source, target) == pytest.approx(ours, abs=6e-6)
    slopes = [jax.grad(mmd_quadratic)(source, target, unbiased=unbiased) for unbiased in (False, True)]
    lengths = [np.linalg.norm(slope) for slope in slopes]
    assert np.vdot(*slopes) / np.prod(lengths) == pytest.approx(cosine, abs=1e-4)
    assert lengths[0] / lengths[1] == pytest.approx(length, abs=1e-4)


def neighbours_of_tllib(source, target, kernels=1.0):
    """TLLib's linear estimate less its constant: rows i and i + 1, the last with the first; bandwidth of all pairs."""
    n, joint = len(source), jnp.concatenate([source, target])
    lengths = (joint**2).sum(1)
    distances = lengths[:, None] + lengths[None] - 2 * joint @ joint.T
    mean = jax.lax.stop_gradient(distances.mean())
    kernels = kernels * jnp.sum(jnp.stack([jnp.exp(-distances / (2 * scale * mean)) for scale in SCALES]), 0)
    here = jnp.arange(n)
    beside = jnp.roll(here, -1)
    within = kernels[here, beside] + kernels[n + here, n + beside]
    return (within - kernels[here, n + beside] - kernels[beside, n + here]).mean()


@pytest.mark.parametrize(
    ("n", "shift", "ours", "theirs", "cosine", "length"),
    [
        (32, 0.1, 0.00969, 0.02005, 0.7046, 1.3938),
        (32, 0.5, 0.29058, 0.30587, 0.7447, 1.3233),
        (128, 0.1, -0.00829, 0.00743, 0.7079, 1.3997),
        (128, 0.5, 0.29192, 0.30926, 0.7462, 1.3298),
    ],
)
def test_linear_mmd_of_tllib_takes_twice_as_many_overlapping_quadruples(n, shift, ours, theirs, cosine, length):
    """The paper's are independent, half as many, and their gradients longer; the bandwidth is of the pairs used."""
    source, target = rectified(n, shift)
    found, slopes = zip(
        *(jax.jit(jax.value_and_grad(of))(source, target) for of in (ops.mmd_linear, neighbours_of_tllib)), strict=True
    )
    assert [float(value) for value in found] == pytest.approx([ours, theirs], abs=6e-6)
    lengths = [np.linalg.norm(slope) for slope in slopes]
    assert np.vdot(*slopes) / np.prod(lengths) == pytest.approx(cosine, abs=1e-4)
    assert lengths[0] / lengths[1] == pytest.approx(length, abs=1e-4)


def test_linear_mmd_of_tllib_is_less_noisy():
    """The standard deviation over 60 batches; that of independent quadruples is 1.38 times it."""
    random = np.random.default_rng(0)
    batches = np.maximum(random.normal(size=(60, 2, 128, 256)) + np.array([[[[0.0]], [[0.1]]]]), 0)
    estimators = jax.jit(ops.mmd_linear), jax.jit(neighbours_of_tllib)
    spread = [np.std([estimator(*pair) for pair in batches]) for estimator in estimators]
    assert spread == pytest.approx([0.0192, 0.0139], abs=5e-5)


@pytest.mark.parametrize("distance", [1e-3, 1.0, 1e3])
def test_mmd_of_two_points_in_closed_form(distance):
    """The mean over the four pairs is d/2, so each kernel is exp(-1 / scale) whatever the distance."""
    expected = sum(2 - 2 * np.exp(-1 / scale) for scale in SCALES)
    assert mmd_quadratic(np.zeros((1, 1)), np.full((1, 1), distance)) == pytest.approx(expected)


def test_gradient_of_mmd_holds_the_bandwidth_fixed():
    """The trap: a bandwidth that moves with the features can be grown, which shrinks the loss without aligning."""
    source, target = shifted(0)
    mean = mean_of_pairs(source, target)

    def fixed(flat):
        return by_sklearn(flat.reshape(source.shape), target, False, mean)

    numeric = np.reshape(np.asarray(approx_fprime(source.ravel(), fixed, 1e-7)), source.shape)
    np.testing.assert_allclose(jax.jit(jax.grad(ops.mmd_quadratic))(source, target), numeric, atol=1e-6)


@given(seeds)
def test_quadratic_mmd_is_symmetric_and_blind_to_order_place_and_unit(seed):
    source, target = shifted(seed)
    order = np.random.default_rng(seed).permutation(len(source))
    value = mmd_quadratic(source, target)
    assert value > 0
    assert mmd_quadratic(target, source) == pytest.approx(value)
    assert mmd_quadratic(source[order], target) == pytest.approx(value)
    assert mmd_quadratic(100 * source + 7, 100 * target + 7) == pytest.approx(value)
    assert mmd_quadratic(source, source[order]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("estimator", [mmd_quadratic, mmd_linear])
def test_mmd_of_equal_samples_is_zero_with_finite_gradients(estimator):
    source, _ = shifted(0)
    value, gradient = jax.jit(jax.value_and_grad(estimator))(source, source)
    if estimator is mmd_quadratic:
        assert value == pytest.approx(0, abs=1e-12)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("place", [0.0, 1.0, 100.0])
@pytest.mark.parametrize("estimator", [mmd_quadratic, mmd_linear])
def test_mmd_of_collapsed_features_is_zero_without_a_gradient(estimator, place):
    """The trap: with all rows equal the bandwidth is rounding noise, and 1 / bandwidth blows the gradient up."""
    row = jnp.asarray(place * np.random.default_rng(0).normal(size=64), jnp.float32)
    rows = jnp.tile(row, (16, 1))
    value, gradient = jax.jit(jax.value_and_grad(estimator))(rows, rows)
    assert value == 0 and not gradient.any()


@pytest.mark.parametrize("place", [1.0, 10.0, 100.0])
def test_mmd_in_single_precision_holds_far_from_the_origin(place):
    """The trap: |x|^2 + |y|^2 - 2xy cancels in float32 when rows are close to each other and far from 0."""
    random = np.random.default_rng(0)
    row = place * random.normal(size=64)
    source, target = (jnp.asarray(row + 1e-3 * random.normal(size=(16, 64)), jnp.float32) for _ in range(2))
    expected = by_sklearn(np.float64(source), np.float64(target), False)
    assert mmd_quadratic(source, target) == pytest.approx(expected, rel=1e-3)


def test_distances_are_those_of_sklearn():
    source, target = shifted(0)
    np.testing.assert_allclose(squared_distances(source, target), euclidean_distances(source, target) ** 2)
    assert np.min(squared_distances(source, source)) >= 0


def test_kernels_at_bandwidth_zero_are_one():
    np.testing.assert_array_equal(gaussian_kernels(jnp.zeros(3), jnp.float64(0)), np.full(3, 5.0))


jmmd_quadratic = jax.jit(ops.jmmd_quadratic, static_argnames="unbiased")
jmmd_linear = jax.jit(ops.jmmd_linear)


def labelled(seed: int, n: int = 6) -> tuple[np.ndarray, ...]:
    """Features of source and target, and their class probabilities."""
    random = np.random.default_rng(seed)
    source, target = random.normal(size=(n, 3)), 0.5 + 2 * random.normal(size=(n, 3))
    return source, target, softmax(random.normal(size=(n, 4)), 1), softmax(2 * random.normal(size=(n, 4)), 1)


def joint_kernel(mean: float, f, f2, p, p2) -> np.ndarray:
    on_features = sum(rbf_kernel(f, f2, gamma=1 / (2 * scale * mean)) for scale in SCALES)
    return on_features * rbf_kernel(p, p2, gamma=1 / (2 * 0.92**2))


@pytest.mark.parametrize("seed", range(3))
def test_quadratic_jmmd_is_that_of_sklearn_kernels(seed):
    source, target, p, q = labelled(seed)
    mean = (euclidean_distances(np.concatenate([source, target])) ** 2).mean()
    expected = joint_kernel(mean, source, source, p, p).mean() + joint_kernel(mean, target, target, q, q).mean()
    expected -= 2 * joint_kernel(mean, source, target, p, q).mean()
    assert jmmd_quadratic(source, target, p, q) == pytest.approx(expected)


@pytest.mark.parametrize("n", [2, 7])
def test_linear_jmmd_is_a_loop_over_quadruples(n):
    source, target, p, q = labelled(n, n)
    f, g = {"s": source, "t": target}, {"s": p, "t": q}
    pairs = [
        (sign, (a, i + u), (b, i + v))
        for i in range(0, n - 1, 2)
        for sign, a, u, b, v in ((1, "s", 0, "s", 1), (1, "t", 0, "t", 1), (-1, "s", 0, "t", 1), (-1, "s", 1, "t", 0))
    ]
    mean = float(np.mean([np.sum((f[a][i] - f[b][j]) ** 2) for _, (a, i), (b, j) in pairs]))
    values = [
        sign * joint_kernel(mean, f[a][[i]], f[b][[j]], g[a][[i]], g[b][[j]]).item() for sign, (a, i), (b, j) in pairs
    ]
    assert jmmd_linear(source, target, p, q) == pytest.approx(4 * np.mean(values))


def test_quadratic_jmmd_of_tllib_is_unbiased_and_a_constant_more():
    source, target, p, q = labelled(0)
    mean = (euclidean_distances(np.concatenate([source, target])) ** 2).mean()
    theirs = -2 * joint_kernel(mean, source, target, p, q).mean()
    for x, of_x in ((source, p), (target, q)):
        theirs += (joint_kernel(mean, x, x, of_x, of_x).sum() - 5 * 6) / (6 * 5)
    assert jmmd_quadratic(source, target, p, q, unbiased=True) == pytest.approx(theirs)
    found = float(jmmd_quadratic(source, target, p, q)), theirs + 2 / 5
    assert found == pytest.approx((1.541818, 0.900264), rel=1e-5)


def test_linear_jmmd_of_tllib_takes_twice_as_many_overlapping_quadruples():
    source, target, p, q = labelled(0)
    of_p = rbf_kernel(np.concatenate([p, q]), gamma=1 / (2 * 0.92**2))
    found = float(jmmd_linear(source, target, p, q)), float(neighbours_of_tllib(source, target, of_p))
    assert found == pytest.approx((0.918576, 1.046533), rel=1e-5)


def test_jmmd_with_equal_predictions_is_mmd():
    source, target, p, _ = labelled(0)
    same = np.repeat(p[:1], len(p), 0)
    assert jmmd_quadratic(source, target, same, same) == pytest.approx(float(mmd_quadratic(source, target)))


def test_jmmd_sees_classes_that_change_places():
    """The trap: two MMDs added in place of a product of kernels: both marginals agree here, the joint does not."""
    source, _, p, _ = labelled(1)
    swapped = p[::-1]
    assert jmmd_quadratic(source, source, p, swapped) > 1e-3
    assert mmd_quadratic(p, swapped) == pytest.approx(0, abs=1e-10)


@given(st.integers(0, 2**32 - 1))
def test_jmmd_is_symmetric_and_blind_to_order(seed):
    source, target, p, q = labelled(seed)
    order = np.random.default_rng(seed).permutation(len(source))
    value = jmmd_quadratic(source, target, p, q)
    assert value > 0
    assert jmmd_quadratic(target, source, q, p) == pytest.approx(value)
    assert jmmd_quadratic(source[order], target, p[order], q) == pytest.approx(value)
    assert jmmd_quadratic(source, source[order], p, p[order]) == pytest.approx(0, abs=1e-12)


def test_gradient_of_jmmd_in_the_predictions_is_numeric():
    source, target, p, q = labelled(2)
    check_grads(lambda p, q: jmmd_quadratic(source, target, p, q), (p, q), order=1, modes=["rev"])
