"""Virtual adversarial domain adaptation."""

import jax
import numpy as np
from programs import parameters
from states import features, logits, moved, pushed, same

from tlx.testing import Probe
from tlx_strategies.vada import VADA


def probed(**settings: float) -> Probe:
    probe = Probe(VADA(**{"source": 0.0, "target": 0.0, **settings}, hidden=(8,)))
    probe.begin()
    return probe


def test_plays_two_sides_and_keeps_the_targets_statistics():
    """The traps: an encoder that helps the critic; running statistics of both domains."""
    probe = probed(domain=1.0)
    before, judged, adapted = probe.state, probe.step(objectives=(0,)), probe.step(objectives=(1,))
    copies = {"teacher_features", "teacher_head"}
    assert moved(before, judged) - copies == {"critic"}
    assert moved(before, adapted) - copies == {"features", "head"}
    assert probe.value(0, state=judged)[0] < probe.value(0)[0]
    confused = pushed(before, adapted, probed(domain=0.0).step(objectives=(1,)))
    assert probe.value(0, state=confused)[0] > probe.value(0)[0]
    _, target_only = probe.model.features(before, probe.batch.target.x)
    jax.tree.map(
        lambda got, expected: np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6),
        adapted.stats["features"].values,
        target_only.stats["features"].values,
    )
    assert same(before.stats["features"], judged.stats["features"])


def test_scores_the_average():
    probe = probed(decay=0.5)
    after, x = probe.step(3), probe.batch.target.x
    assert not same(parameters(after, who="teacher_"), parameters(after))
    z = features(probe, x, state=after, net="teacher_features", train=False)
    expected = logits(probe, z, "teacher_head", state=after)
    np.testing.assert_allclose(probe.predict(state=after), expected, rtol=1e-4, atol=1e-5)
