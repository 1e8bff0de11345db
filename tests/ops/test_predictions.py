"""Losses on class probabilities against scipy, scikit-learn and NumPy's loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.optimize import approx_fprime
from scipy.special import log_softmax, softmax
from scipy.stats import entropy
from sklearn.metrics import log_loss
from sklearn.metrics.pairwise import cosine_similarity

from tlx import ops

classifier_discrepancy = jax.jit(ops.classifier_discrepancy)
cross_entropies, cross_entropy = jax.jit(ops.cross_entropies), jax.jit(ops.cross_entropy)
entropies, marginal_entropy = jax.jit(ops.entropies), jax.jit(ops.marginal_entropy)
information_maximisation = jax.jit(ops.information_maximisation)
uniform_cross_entropy = jax.jit(ops.uniform_cross_entropy)
kl_consistency, squared_consistency = jax.jit(ops.kl_consistency), jax.jit(ops.squared_consistency)
B, C = 6, 4
LABELS = np.array([0, 3, 1, 1, 2, 0])
seeds = st.integers(0, 2**32 - 1)


def two_logits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = 3 * np.random.default_rng(seed).normal(size=(2, B, C))
    return first, second


def test_cross_entropy_is_sklearns_log_loss():
    logits, _ = two_logits(0)
    expected = log_loss(LABELS, softmax(logits, 1), labels=range(C))
    assert cross_entropy(logits, LABELS) == pytest.approx(expected)


def test_label_smoothing_mixes_in_the_uniform():
    """q = (1 - s) onehot + s / classes, as in SHOT; another convention spreads s over the other classes only."""
    logits, _ = two_logits(0)
    wanted = 0.9 * np.eye(C)[LABELS] + 0.1 / C
    expected = -np.sum(wanted * np.log(softmax(logits, 1)), 1)
    np.testing.assert_allclose(cross_entropies(logits, LABELS, 0.1), expected)
    assert cross_entropy(logits, LABELS, 0.1) == pytest.approx(expected.mean())


def test_label_smoothing_of_tllib_leaves_the_label_less():
    """TLLib's `LabelSmoothSoftmaxCEV1`: 1 - s of the label and s / classes of each other, so s / classes too little."""
    logits, _ = two_logits(0)
    log_p, one = log_softmax(logits, 1), np.eye(C)[LABELS]
    theirs = -np.sum((0.9 * one + 0.1 / C * (1 - one)) * log_p, 1).mean()
    ours = float(cross_entropy(logits, LABELS, 0.1))
    assert ours - theirs == pytest.approx(0.1 / C * -np.mean(log_p[np.arange(B), LABELS]))
    assert (ours, theirs) == pytest.approx((2.420334, 2.360521), rel=1e-6)


def test_entropies_are_scipys():
    logits, _ = two_logits(1)
    p = softmax(logits, 1)
    np.testing.assert_allclose(entropies(logits), entropy(p, axis=1))
    assert marginal_entropy(logits) == pytest.approx(entropy(p.mean(0)))
    assert information_maximisation(logits) == pytest.approx(entropy(p, axis=1).mean() - entropy(p.mean(0)))
    even = np.full(C, 1 / C)
    assert uniform_cross_entropy(logits) == pytest.approx(entropy(even) + entropy(even, p.mean(0)))


def test_information_maximisation_is_least_when_confident_and_diverse():
    """The trap: the sign of the diversity. One-hot over all classes is -log C; one class for all, or uniform, is 0."""
    assert information_maximisation(1e3 * jnp.eye(C)) == pytest.approx(-np.log(C))
    assert information_maximisation(1e3 * jnp.eye(C)[jnp.zeros(C, int)]) == pytest.approx(0)
    assert information_maximisation(jnp.zeros((B, C))) == pytest.approx(0)


def test_consistencies_are_loops():
    student, teacher = two_logits(2)
    p, q = softmax(student, 1), softmax(teacher, 1)
    squared = [np.mean([(p[i, c] - q[i, c]) ** 2 for c in range(C)]) for i in range(B)]
    np.testing.assert_allclose(squared_consistency(student, teacher), squared)
    np.testing.assert_allclose(kl_consistency(student, teacher), entropy(q, p, axis=1))
    gap = np.mean([abs(p[i, c] - q[i, c]) for i in range(B) for c in range(C)])
    assert classifier_discrepancy(student, teacher) == pytest.approx(gap)


@given(seeds)
def test_invariances_of_losses_on_predictions(seed):
    first, second = two_logits(seed)
    order = np.random.default_rng(seed).permutation(B)
    assert classifier_discrepancy(first, second) == pytest.approx(classifier_discrepancy(second, first))
    np.testing.assert_allclose(squared_consistency(first, second), squared_consistency(second, first))
    assert np.all(np.asarray(kl_consistency(first, second)) >= 0)
    for zero in (squared_consistency, kl_consistency, classifier_discrepancy):
        np.testing.assert_allclose(zero(first, first), 0, atol=1e-12)
        np.testing.assert_allclose(zero(first + 7, first), 0, atol=1e-12)  # softmax forgets a shift
    assert information_maximisation(first[order]) == pytest.approx(information_maximisation(first))
    assert cross_entropy(first[order], LABELS[order]) == pytest.approx(cross_entropy(first, LABELS))
    assert np.all(np.asarray(entropies(first)) <= np.log(C) + 1e-12)


def on_labels(logits):
    return cross_entropy(logits, LABELS, 0.1)


def mean_entropy(logits):
    return entropies(logits).mean()


def to_zero(loss):
    def of(logits):
        return loss(logits, jnp.zeros((B, C), logits.dtype)).mean()

    return of


LOSSES = {
    "cross_entropy": on_labels,
    "entropies": mean_entropy,
    "marginal_entropy": marginal_entropy,
    "information_maximisation": information_maximisation,
    "uniform_cross_entropy": uniform_cross_entropy,
    "classifier_discrepancy": to_zero(classifier_discrepancy),
    "squared_consistency": to_zero(squared_consistency),
    "kl_consistency": to_zero(kl_consistency),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_is_numeric(name):
    check_grads(jax.jit(LOSSES[name]), (two_logits(3)[0],), order=1, modes=["rev"])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [0.0, 1e2, 1e4])
def test_extreme_logits_stay_finite(name, size):
    """The trap: log of a probability that has become 0, and 0 * -inf."""
    logits = jnp.asarray(size * np.eye(C)[LABELS], jnp.float32)
    value, gradient = jax.jit(jax.value_and_grad(LOSSES[name]))(logits)
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_kl_consistency_teaches_the_student_only_what_the_teacher_knows():
    """KL(teacher || student): where the teacher gives 0, the student's probability costs nothing but its mass."""
    teacher = jnp.array([[0.0, 0.0, -1e4, -1e4]])
    student = jnp.zeros((1, C))
    assert kl_consistency(student, teacher)[0] == pytest.approx(np.log(2))


confusion = jax.jit(ops.class_confusion)


def unsure(seed: int, n: int = 6, classes: int = 4) -> np.ndarray:
    return 2 * np.random.default_rng(seed).normal(size=(n, classes))


def by_loop(z: np.ndarray, temperature: float, certainty: np.ndarray | None = None) -> float:
    """Equations 2 to 7 of the paper, index by index."""
    p = softmax(z / temperature, 1)
    n, classes = p.shape
    certainty = np.array([1 + np.exp(-entropy(row)) for row in p]) if certainty is None else certainty
    weights = n * certainty / certainty.sum()
    total = 0.0
    for j in range(classes):
        row = [sum(p[i, j] * weights[i] * p[i, k] for i in range(n)) for k in range(classes)]
        total += (sum(row) - row[j]) / sum(row)
    return total / classes


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("seed", range(2))
def test_confusion_is_the_papers_loop(seed, temperature):
    assert confusion(unsure(seed), temperature) == pytest.approx(by_loop(unsure(seed), temperature))


def test_gradient_of_confusion_holds_the_certainties_fixed():
    """The trap: a gradient through the weights, which rewards making hard rows uncertain."""
    z = unsure(0)
    fixed = np.array([1 + np.exp(-entropy(row)) for row in softmax(z / 2.5, 1)])
    numeric = np.reshape(
        np.asarray(approx_fprime(z.ravel(), lambda flat: by_loop(flat.reshape(z.shape), 2.5, fixed), 1e-7)), z.shape
    )
    np.testing.assert_allclose(jax.jit(jax.grad(ops.class_confusion))(z), numeric, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 10])
def test_confusion_in_closed_form(classes):
    """Certain predictions confuse nothing, whatever their order; uniform ones spread evenly over the other classes."""
    assert confusion(1e4 * np.eye(classes)) == pytest.approx(0)
    assert confusion(np.zeros((3, classes))) == pytest.approx((classes - 1) / classes)


def test_confusion_with_a_class_that_nobody_predicts_is_finite_in_single_precision():
    """The trap: 0 / 0 in the row of a class whose probabilities all underflow."""
    value, gradient = jax.jit(jax.value_and_grad(ops.class_confusion))(jnp.float32([[1e4, 0, 0], [1e4, 5, 0]]))
    assert np.isfinite(value) and np.isfinite(gradient).all() and gradient.dtype == jnp.float32


@given(st.integers(0, 2**32 - 1))
def test_confusion_is_blind_to_order_and_names_of_classes(seed):
    z, random = unsure(seed), np.random.default_rng(seed)
    value = confusion(z)
    assert 0 < value < 1
    assert confusion(z[random.permutation(6)]) == pytest.approx(value)
    assert confusion(z[:, random.permutation(4)]) == pytest.approx(value)


class_balance, soft_cross_entropies = jax.jit(ops.class_balance), jax.jit(ops.soft_cross_entropies)
cosine_logits = jax.jit(ops.cosine_logits)
DRAWN = np.random.default_rng(0)
LOGITS, OTHER = DRAWN.normal(size=(2, 7, 4))
FEATURES, KERNEL = DRAWN.normal(size=(7, 5)), DRAWN.normal(size=(5, 4))
CLASSES = DRAWN.integers(0, 4, 7)


def test_soft_cross_entropy():
    wanted = np.asarray(softmax(OTHER, 1))
    expected = [
        -sum(q * p for q, p in zip(*rows, strict=True)) for rows in zip(wanted, log_softmax(LOGITS, 1), strict=True)
    ]
    np.testing.assert_allclose(soft_cross_entropies(LOGITS, wanted), expected)
    onehot = np.eye(4)[CLASSES]
    np.testing.assert_allclose(soft_cross_entropies(LOGITS, onehot), cross_entropies(LOGITS, CLASSES))


def test_the_mean_of_logits_is_not_that_of_probabilities():
    """CoTTA's code takes the softmax of the views' mean logits, tlx their mean probabilities; of one view, the same."""
    logits, views = two_logits(0)[0], 3 * np.random.default_rng(1).normal(size=(32, B, C))
    losses = jax.jit(ops.soft_cross_entropies)
    for shown, known in ((views, (2.648307, 2.636329)), (views[:1], (3.168077, 3.168077))):
        wanted = softmax(shown, 2).mean(0), softmax(shown.mean(0), 1)
        assert [np.mean(losses(logits, of)) for of in wanted] == pytest.approx(known, rel=1e-6)


def test_class_balance_is_binary_cross_entropy_to_even_classes():
    mean = softmax(LOGITS, 1).mean(0)
    expected = sum(-0.25 * np.log(p) - 0.75 * np.log(1 - p) for p in mean)
    assert class_balance(LOGITS) == pytest.approx(expected, rel=1e-9)
    check_grads(class_balance, (LOGITS,), order=1, modes=["rev"])
    even = class_balance(jnp.zeros((7, 4)))
    assert even < expected and np.isfinite(class_balance(jnp.float32([[200.0, 0, 0, 0]])))


def test_cosine_classifier():
    unit = KERNEL / np.linalg.norm(KERNEL, axis=0)
    np.testing.assert_allclose(
        cosine_logits(FEATURES, unit, 0.05), cosine_similarity(FEATURES, KERNEL.T) / 0.05, rtol=1e-6
    )
    assert np.isfinite(cosine_logits(jnp.zeros((2, 5)), KERNEL)).all()


def test_removal_of_a_feature():
    def loss(z):
        return -np.mean(log_softmax(z @ KERNEL, 1)[np.arange(7), CLASSES])

    expected = []
    for j in range(5):
        without = FEATURES.copy()
        without[:, j] = 0
        expected.append(loss(without) - loss(FEATURES))
    found = jax.jit(lambda z, labels: ops.removal_losses(lambda z: z @ KERNEL, z, labels))(FEATURES, CLASSES)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_complement_entropies_are_those_of_the_other_classes():
    logits = two_logits(3)[0]
    p = softmax(logits, axis=1)
    expected = [entropy(np.delete(row, label) / (1 - row[label])) for row, label in zip(p, LABELS, strict=True)]
    np.testing.assert_allclose(jax.jit(ops.complement_entropies)(logits, LABELS), expected, rtol=1e-6)
    sure = jnp.asarray([[90.0, 0.0, 0.0]])
    slope = jax.grad(lambda z: ops.complement_entropies(z, jnp.array([0])).sum())(sure)
    assert np.isfinite(slope).all(), "where p_y rounds to 1"
