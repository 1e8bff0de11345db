"""Wasserstein distance guided representation learning."""

from states import moved, pushed, same

from tlx.testing import Probe
from tlx_strategies.wdgrl import WDGRL


def probed(**settings) -> Probe:
    probe = Probe(WDGRL(hidden=(8,), **settings))
    probe.begin()
    return probe


def test_critic_goes_up_the_distance_and_the_features_down():
    """The traps: the critic's sign, one critic step in place of five, a critic that moves with the features."""
    probe = probed()
    before = probe.state
    critic, align = probe.phases[0].objectives
    assert (critic.trains, critic.repeat, align.trains) == (("critic",), 5, ("features", "head"))
    judged, aligned = probe.step(objectives=(0,)), probe.step(objectives=(1,))
    assert moved(before, judged) == {"critic"} and same((before.stats, before.extra), (judged.stats, judged.extra))
    assert moved(before, aligned) == {"features", "head"}

    def distance(state):
        return probe.value(0, state=state)[1]["distance"]

    assert distance(judged) > distance(before)
    one = probed(critic_steps=1).step(objectives=(0,))
    losses = [probe.value(0, state=state)[0] for state in (judged, one, before)]
    assert losses == sorted(losses), "five steps go further than one"
    without = probed(weight=0.0).step(objectives=(1,))
    assert distance(pushed(before, aligned, without)) < distance(before)
