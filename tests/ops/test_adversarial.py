"""Adversaries against scikit-learn, NumPy's loops and Kronecker products, power iteration and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import balanced_accuracy_score, log_loss

from tlx import ops
from tlx.ops import reverse_gradient
from tlx.ops.adversarial import unit

domain_accuracy, domain_loss = jax.jit(ops.domain_accuracy), jax.jit(ops.domain_loss)
confusion_loss = jax.jit(ops.confusion_loss)
SOURCE, TARGET = np.array([1.5, -0.5, 2.0]), np.array([-1.0, 0.3])
IS_SOURCE = np.array([1, 1, 1, 0, 0])


def test_domain_loss_is_sklearns_log_loss_with_equal_domains():
    """The trap: source is 1 and target 0 in the logits' sign; each domain counts half whatever its size."""
    p, weights = expit(np.concatenate([SOURCE, TARGET])), np.array([1 / 3] * 3 + [1 / 2] * 2)
    assert domain_loss(SOURCE, TARGET) == pytest.approx(log_loss(IS_SOURCE, p, sample_weight=weights))


def test_domain_loss_weighs_rows_within_each_domain():
    """The trap: weights normalised over both domains, so that the domain of certain rows counts more."""
    ours, theirs = np.array([1.0, 2.0, 0.5]), np.array([1.5, 1.1])
    p = expit(np.concatenate([SOURCE, TARGET]))
    weights = np.concatenate([ours / ours.sum(), theirs / theirs.sum()])
    found = domain_loss(SOURCE, TARGET, ours, theirs)
    assert found == pytest.approx(log_loss(IS_SOURCE, p, sample_weight=weights))
    assert domain_loss(SOURCE, TARGET, np.full(3, 2.0), np.ones(2)) == pytest.approx(domain_loss(SOURCE, TARGET))
    losses = np.log1p(np.exp(-SOURCE))
    slope = jax.grad(domain_loss, argnums=2)(SOURCE, TARGET, ours, theirs)
    np.testing.assert_allclose(slope, losses / (2 * ours.sum()), err_msg="the divisor has no gradient")


def test_tllibs_weights_are_normalised_over_both_domains():
    """TLLib's CDAN+E: sum w_i l_i / sum w_i over all rows. As the authors' code, tlx has that within each domain."""
    ours, theirs = np.array([1.0, 2.0, 0.5]), np.array([1.5, 1.1])
    parts = np.average(-np.log(expit(SOURCE)), weights=ours), np.average(-np.log(expit(-TARGET)), weights=theirs)
    losses, weights = -np.log(expit(np.concatenate([SOURCE, -TARGET]))), np.concatenate([ours, theirs])
    both = np.sum(weights * losses) / np.sum(weights)
    assert both == pytest.approx((3.5 * parts[0] + 2.6 * parts[1]) / 6.1)
    found = float(domain_loss(SOURCE, TARGET, ours, theirs))
    assert found == pytest.approx((parts[0] + parts[1]) / 2)
    assert (found, both) == pytest.approx((0.587240, 0.593888), rel=1e-5)


def test_domain_accuracy_is_balanced():
    judged = np.concatenate([SOURCE, TARGET]) > 0
    assert domain_accuracy(SOURCE, TARGET) == pytest.approx(balanced_accuracy_score(IS_SOURCE, judged))


def test_confusion_is_log_two():
    assert domain_loss(jnp.zeros(4), jnp.zeros(2)) == pytest.approx(np.log(2))
    assert domain_accuracy(jnp.zeros(4), jnp.zeros(2)) == 0.5


def test_gradient_of_domain_loss_is_numeric_and_finite_at_extremes():
    check_grads(domain_loss, (SOURCE, TARGET), order=1, modes=["rev"])
    value, gradient = jax.jit(jax.value_and_grad(domain_loss))(jnp.float32([-1e4, 1e4]), jnp.float32([1e4]))
    assert value == pytest.approx((5e3 + 1e4) / 2) and np.isfinite(gradient).all()


def test_confusion_loss_is_the_cross_entropy_to_one_half():
    judged = np.concatenate([SOURCE, TARGET])
    expected = -np.mean(np.log(expit(judged)) / 2 + np.log(1 - expit(judged)) / 2)
    assert confusion_loss(judged) == pytest.approx(expected)
    assert confusion_loss(jnp.zeros(3)) == pytest.approx(np.log(2)) and expected > np.log(2)
    check_grads(confusion_loss, (judged,), order=1, modes=["rev"])


ROWS = np.random.default_rng(0).normal(size=(3, 2))


def reversed_sine(x, coefficient):
    return jnp.sum(jnp.sin(reverse_gradient(x, coefficient)))


slope_of_reversed = jax.jit(jax.grad(reversed_sine))


@given(st.floats(-5, 5))
def test_reversal_is_the_identity_forward_and_turned_backward(coefficient):
    np.testing.assert_array_equal(reverse_gradient(jnp.asarray(ROWS), coefficient), ROWS)
    np.testing.assert_allclose(slope_of_reversed(ROWS, coefficient), -coefficient * np.cos(ROWS), atol=1e-300)


def test_a_traced_coefficient_of_reversal_compiles_once_and_gets_no_gradient():
    """The coefficient grows with progress, so it is traced under jit and batched under vmap over seeds."""
    traces = []

    @jax.jit
    def counted(x, coefficient):
        traces.append(coefficient)
        return jax.grad(reversed_sine)(x, coefficient)

    np.testing.assert_allclose(counted(ROWS, 0.25), -0.25 * np.cos(ROWS))
    np.testing.assert_allclose(counted(ROWS, 0.5), -0.5 * np.cos(ROWS))
    assert len(traces) == 1
    many = jax.vmap(jax.grad(reversed_sine), (None, 0))(ROWS, jnp.array([0.0, 1.0]))
    np.testing.assert_allclose(many, [0 * ROWS, -np.cos(ROWS)], atol=1e-12)
    assert jax.grad(reversed_sine, argnums=1)(ROWS, 0.5) == 0


def test_reversal_keeps_single_precision():
    assert jax.grad(reversed_sine)(jnp.float32(ROWS), 0.5).dtype == jnp.float32


@pytest.mark.parametrize("times", [2, 3])
def test_reversing_again_turns_back(times):
    def nested(x):
        for _ in range(times):
            x = reverse_gradient(x, 1.0)
        return jnp.sum(jnp.sin(x))

    np.testing.assert_allclose(jax.grad(nested)(ROWS), (-1) ** times * np.cos(ROWS))


multilinear_map, random_multilinear_map = jax.jit(ops.multilinear_map), jax.jit(ops.random_multilinear_map)
RANDOM = np.random.default_rng(0)
FEATURES, P = RANDOM.normal(size=(4, 3)), RANDOM.dirichlet(np.ones(2), 4)


def test_multilinear_map_is_the_kronecker_product_of_each_row():
    expected = [np.kron(f, g) for f, g in zip(FEATURES, P, strict=True)]
    np.testing.assert_allclose(multilinear_map(FEATURES, P), expected)


def test_random_map_keeps_inner_products_on_average():
    """The paper's theorem 1: E <T(h), T(h')> = <f, f'> <g, g'>. Of 400 draws of width 100; 4 standard errors."""

    def gram(key):
        mapped = random_multilinear_map(FEATURES, P, *ops.random_maps(key, 3, 2, 100))
        return mapped @ mapped.T

    draws = np.asarray(jax.jit(jax.vmap(gram))(jax.random.split(jax.random.key(0), 400)))
    exact = np.asarray(multilinear_map(FEATURES, P))
    error = draws.std(0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - exact @ exact.T) < 4 * error).all()


def test_random_maps_are_standard_normal_and_independent():
    first, second = (np.asarray(part) for part in ops.random_maps(jax.random.key(0), 50, 50, 200))
    assert first.shape == second.shape == (50, 200)
    assert abs(first.mean()) < 0.04 and abs(first.std() - 1) < 0.03
    assert abs(np.mean(first * second)) < 0.04


disparity = jax.jit(ops.margin_disparity)


def margins(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, 5, 3))


@pytest.mark.parametrize("margin", [1.0, 4.0])
def test_disparity_is_the_papers_loop(margin):
    source, of_source, target, of_target = margins()
    total = 0.0
    for z, adversary in zip(source, of_source, strict=True):
        total -= margin * np.log(softmax(adversary)[z.argmax()]) / len(source)
    for z, adversary in zip(target, of_target, strict=True):
        total -= np.log(1 - softmax(adversary)[z.argmax()]) / len(target)
    assert disparity(source, of_source, target, of_target, margin) == pytest.approx(total)


def test_an_adversary_that_agrees_on_the_source_and_differs_on_the_target_descends():
    """The trap: the sign of one of the two parts."""
    f, same, other = np.eye(3), 10 * np.eye(3), -10 * np.eye(3)
    assert disparity(f, same, f, other) < disparity(f, same, f, same)
    assert disparity(f, same, f, other) < disparity(f, other, f, other)


def test_gradient_of_disparity_is_the_adversarys_only_and_numeric():
    source, of_source, target, of_target = margins(1)
    classifier = jax.grad(disparity, argnums=(0, 2))(source, of_source, target, of_target)
    assert not np.any(classifier), "labels have no gradient"
    check_grads(lambda s, t: disparity(source, s, target, t), (of_source, of_target), order=1, modes=["rev"])


def test_disparity_is_finite_where_the_adversary_is_certain_in_single_precision():
    """The trap: log(1 - p) where p rounds to 1."""
    rows = jnp.float32([[60.0, 0.0, 0.0]])
    value, gradient = jax.value_and_grad(disparity, argnums=3)(rows, rows, rows, rows)
    assert value == pytest.approx(60 - np.log(2), rel=1e-5) and np.isfinite(gradient).all()


def test_disparity_of_a_certain_adversary_keeps_the_slope_that_tllibs_loses():
    """TLLib's -log(1 - p_y + 1e-6) has the slope p (1 - p) / (1 - p + 1e-6) in z_y; the paper's has p."""
    rows = jnp.array([[30.0, 0.0, 0.0]])
    value, slope = jax.value_and_grad(disparity, argnums=3)(rows, rows, rows, rows)
    rest = 2 * np.exp(-30) / (1 + 2 * np.exp(-30))  # 1 - p_y
    theirs = -np.log(rest + 1e-6), (1 - rest) * rest / (rest + 1e-6)
    assert theirs == pytest.approx((13.8155, 1.87e-7), rel=1e-3)
    assert value == pytest.approx(-np.log(rest)) and value == pytest.approx(29.3069, rel=1e-5)
    assert slope[0, 0] == pytest.approx(1 - rest)
    for gap in (0.0, 2.0):  # and where the adversary is not certain the two are equal
        rows = jnp.array([[gap, 0.0, 0.0]])
        rest = 2 / (np.exp(gap) + 2)
        slope = jax.grad(disparity, argnums=3)(rows, rows, rows, rows)
        assert slope[0, 0] == pytest.approx((1 - rest) * rest / (rest + 1e-6), rel=1e-5)


def points_of(seed: int, n: int = 6, width: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width))


def test_penalty_of_a_linear_critic_is_that_of_its_slope():
    slope = np.array([1.0, 2.0, -2.0])
    points = jnp.asarray(points_of(0))
    assert ops.gradient_penalty(lambda x: x @ slope + 7, points) == pytest.approx((3 - 1) ** 2)
    assert ops.gradient_penalty(lambda x: x @ slope / 3, points) == pytest.approx(0)


def test_penalty_is_of_each_row():
    """The trap: the norm of the whole batch's gradient. The critic |x|^2 has slope 2|x| at x."""
    points = points_of(1)
    expected = np.mean((2 * np.linalg.norm(points, axis=1) - 1) ** 2)
    penalty = jax.jit(lambda x, scale: ops.gradient_penalty(lambda x: scale * (x**2).sum(1), x))
    assert penalty(points, 1.0) == pytest.approx(expected)
    check_grads(lambda scale: penalty(points, scale), (1.5,), order=1, modes=["rev"])
    assert np.isfinite(jax.grad(penalty)(jnp.zeros((2, 3)), 1.0)).all(), "a critic without slope"


adversarial_direction = jax.jit(ops.adversarial_direction, static_argnames=("logits", "iterations", "xi"))
virtual_adversarial_loss = jax.jit(ops.virtual_adversarial_loss, static_argnames=("logits", "iterations", "xi"))
DRAWN = np.random.default_rng(0)
W, X = DRAWN.normal(size=(6, 3)), DRAWN.normal(size=(4, 6))
KEY = jax.random.key(0)


def linear(x):
    return x.reshape(len(x), -1) @ W


def kl(x, r):
    """KL(p(x) || p(x + r)) of each row, in NumPy."""
    before, after = log_softmax(x @ W, 1), log_softmax((x + r) @ W, 1)
    return np.sum(np.exp(before) * (before - after), 1)


@pytest.mark.parametrize("iterations", [1, 5])
def test_direction_is_power_iteration_on_the_hessian(iterations):
    """Of a linear softmax the Hessian of the divergence at 0 is W (diag p - p p^T) W^T."""
    found = adversarial_direction(linear, X, KEY, iterations, xi=1e-6)
    start = np.asarray(jax.random.normal(KEY, X.shape))
    for row, d, got in zip(X, start, found, strict=True):
        p = softmax(row @ W)
        hessian = W @ (np.diag(p) - np.outer(p, p)) @ W.T
        for _ in range(iterations):
            d = hessian @ d
            d /= np.linalg.norm(d)
        np.testing.assert_allclose(got, d, atol=1e-4)


def test_direction_converges_to_the_steepest():
    found = adversarial_direction(linear, X, KEY, 60, xi=1e-6)
    for row, got in zip(X, found, strict=True):
        p = softmax(row @ W)
        _, vectors = np.linalg.eigh(W @ (np.diag(p) - np.outer(p, p)) @ W.T)
        assert abs(vectors[:, -1] @ got) == pytest.approx(1, abs=1e-3)


def test_single_precision_finds_the_direction_too():
    """The trap: a step so small that the gradient is rounding."""
    wide = adversarial_direction(lambda x: x @ jnp.float32(W), jnp.float32(X), KEY)
    exact = adversarial_direction(linear, X, KEY, xi=1e-6)  # another start: keys give other numbers by dtype
    assert wide.dtype == jnp.float32
    start = np.float64(jax.random.normal(KEY, X.shape, jnp.float32))
    for row, d, got in zip(X, np.asarray(start), wide, strict=True):
        p = softmax(row @ W)
        d = W @ (np.diag(p) - np.outer(p, p)) @ W.T @ d
        np.testing.assert_allclose(got, d / np.linalg.norm(d), atol=0.02)
    assert exact.dtype == jnp.float64


def test_loss_is_the_divergence_at_the_radius():
    loss = virtual_adversarial_loss(linear, X, KEY, 0.7, xi=1e-6)
    r = 0.7 * np.asarray(adversarial_direction(linear, X, KEY, xi=1e-6))
    assert loss == pytest.approx(kl(X, r).mean(), rel=1e-9)
    np.testing.assert_allclose(np.linalg.norm(r, axis=1), 0.7)
    turned = 0.7 * np.asarray(unit(jnp.asarray(DRAWN.normal(size=X.shape))))
    assert loss > kl(X, turned).mean(), "no random direction of this length is worse"


def test_gradient_holds_the_prediction_and_the_direction():
    """Numeric, of the divergence from fixed predictions along a fixed direction."""
    r = 0.7 * adversarial_direction(linear, X, KEY)
    p = softmax(X @ W, 1)

    @jax.jit
    def fixed(w):
        return jnp.mean(jnp.sum(p * (jnp.log(p) - jax.nn.log_softmax((X + r) @ w)), 1))

    check_grads(fixed, (jnp.asarray(W),), order=1, modes=["rev"])
    found = jax.grad(lambda w: virtual_adversarial_loss(lambda x: x @ w, X, KEY, 0.7))(jnp.asarray(W))
    np.testing.assert_allclose(found, jax.grad(fixed)(jnp.asarray(W)), rtol=1e-6, atol=1e-9)


def test_images_have_the_length_of_all_their_pixels():
    images = X.reshape(4, 2, 3, 1)
    d = adversarial_direction(linear, images, KEY)
    assert d.shape == images.shape
    np.testing.assert_allclose(np.sum(np.square(d), (1, 2, 3)), 1)


@pytest.mark.parametrize("radius", [0.2, 2.0, 5.0])
def test_reweighted_rows_are_the_optimum_of_scipy(radius):
    """The traps: weights that grow with d; a bound on the sum where the paper has one on the mean."""
    n, d = 12, np.random.default_rng(2).normal(3, 2, 12)
    bound = {"type": "ineq", "fun": lambda w: radius * n - np.sum((w - 1) ** 2)}
    total = {"type": "eq", "fun": lambda w: w.sum() - n}
    found = minimize(lambda w: w @ d, np.ones(n), bounds=[(0, None)] * n, constraints=[bound, total], tol=1e-12)
    w = np.asarray(jax.jit(ops.reweighted_rows)(d, radius))
    assert w.min() >= 0 and w.sum() == pytest.approx(n)
    assert np.sum((w - 1) ** 2) == pytest.approx(radius * n, rel=1e-5)
    np.testing.assert_allclose(w, found.x, atol=1e-3)


def test_rows_alike_have_weight_1():
    np.testing.assert_allclose(ops.reweighted_rows(jnp.full(5, 3.0), 5.0), 1)
