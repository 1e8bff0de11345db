"""Co-regularised alignment."""

import jax
import numpy as np
from states import features, logits, moved, same

from tlx.testing import Probe
from tlx_strategies.co_da import CoDA


def probed(**settings) -> Probe:
    probe = Probe(CoDA(hidden=(8,), **settings))
    probe.begin()
    return probe


def test_networks_agree_on_classes_and_part_in_features():
    """The traps: two networks that start alike and stay so; the sign of the diversity; a second net left untrained."""
    probe = probed()
    before = probe.state
    assert not same(before.params["features"], before.params["features2"])
    assert not same(before.params["head"], before.params["head2"])
    assert not same(before.params["critic"], before.params["critic2"])
    assert moved(before, probe.step()) == {"features", "features2", "head", "head2", "critic", "critic2"}

    def after(**settings):
        return probe.value(state=probed(domain=0.0, **settings).step())[1]

    assert after(agree=10.0, diverse=0.0)["gap"] < after(agree=0.0, diverse=0.0)["gap"]
    assert after(agree=0.0, diverse=1.0)["apart"] > after(agree=0.0, diverse=0.0)["apart"]
    assert probed(nu=0.0).value()[1]["apart"] == 0, "nu bounds what diversity is worth"


def test_each_network_runs_by_its_own_statistics():
    probe = probed()
    probe.state = probe.step(3)
    x, alone = probe.batch.target.x, []
    for net, head in (("features", "head"), ("features2", "head2")):
        alone.append(jax.nn.softmax(logits(probe, features(probe, x, net=net, train=False), head)))
    np.testing.assert_allclose(jax.nn.softmax(probe.predict()), (alone[0] + alone[1]) / 2, rtol=1e-4)
    assert not same(probe.state.stats["features"].values, probe.state.stats["features2"].values)
