"""Low-rank adaptation."""

import numpy as np
from programs import at_phase
from states import features, logits, moved, same

from tlx_strategies.lora import LoRA


def test_moves_the_low_rank_change_and_the_head_only():
    """The traps: a base that moves by its statistics or by weight decay; a prediction without the change."""
    probe = at_phase(LoRA(rank=2))
    state, x = probe.state, probe.batch.target.x

    def predicted(state):
        return logits(probe, features(probe, x, state=state, train=False), state=state)

    np.testing.assert_allclose(probe.predict(), predicted(state), rtol=1e-5, atol=1e-6, err_msg="B is 0")
    after = probe.step(3)
    assert moved(state, after) == {"lora", "head"} and same((after.stats, after.extra), (state.stats, state.extra))
    factors, base = after.params["lora"]["fc/kernel"], after.params["features"]
    kernel = base["fc"]["kernel"] + 2 * factors["a"] @ factors["b"]
    merged = after.put_params(features={**base, "fc": {**base["fc"], "kernel": kernel}})
    np.testing.assert_allclose(probe.predict(state=after), predicted(merged), rtol=1e-4, atol=1e-5)
