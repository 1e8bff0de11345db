"""Domain confusion by a uniform domain."""

import jax
import jax.numpy as jnp
import numpy as np
from states import critic
from terms import OUTPUTS, begun, term

from tlx.ops import confusion_loss, domain_loss
from tlx_strategies.domain_confusion import DomainConfusion


def test_gives_each_side_its_own_loss():
    """The trap: features that go down the discriminator's loss as well, or a discriminator that goes for confusion."""
    probe = begun(DomainConfusion(weight=0.5, hidden=(5,)))
    found = term(probe)

    def judge(params, z):
        return critic(params, z)[:, 0]

    params = probe.state.params["critic"]
    own = jax.grad(lambda c: domain_loss(judge(c, OUTPUTS.source), judge(c, OUTPUTS.target)))(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), found.params["critic"], own)
    both = jnp.concatenate([OUTPUTS.source, OUTPUTS.target])
    confused = jax.grad(lambda z: 0.5 * confusion_loss(judge(params, z)))(both)
    np.testing.assert_allclose(jnp.concatenate([found.outputs.source, found.outputs.target]), confused, atol=1e-6)
