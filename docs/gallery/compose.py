"""A strategy of your own in ten lines, composed with one that is there.

Shows: a strategy is a class. It is written to a file, checked, run, and added to another strategy by name.

Takes: one to three minutes on two free cores.
"""

# The strategy: predictions on the target are to use every class. Its term is small where the mean prediction is spread
# evenly over the classes. It derives from `tlx.Additive`, which brings the source's loss, and writes its term alone.
from pathlib import Path

Path("spread.py").write_text('''
import jax.nn
import jax.numpy as jnp
from tlx import Additive, strategy


@strategy
class Spread(Additive):
    """Spreads the mean prediction on the target over the classes: weight * sum_c m_c log m_c, m the mean softmax."""

    weight: float = 1.0

    def transfer(self, model, state, outputs, batch, context):
        mean = jax.nn.softmax(outputs.target_logits).mean(axis=0)
        negative = jnp.sum(mean * jnp.log(mean + 1e-8))
        return self.weight * negative, state, {"spread": -negative}
''')

# A session with that file knows the strategy by its name in small letters. "entropy_min+spread" is the sum of both: a
# strategy that makes each prediction certain, and this one, which keeps them from all being the same.
import tlx

lab = tlx.Lab(plugins=["spread.py"])
for strategy in ("source_only", "spread", "entropy_min", "entropy_min+spread"):
    result = lab.run("mnist5k->optdigits", strategy, recipe="quick-plain", seeds=3)
    print(f"{strategy:20}", [f"{accuracy:.3f}" for accuracy in result.accuracy("last")])

# Each term alone is below `source_only` here, and their sum is far above it: a term may need another. The sum is known
# as information maximisation, the strategy `im`. With other weights: `settings={"spread.weight": 0.5}`.
#
# `tlx check spread.py` runs the checks that the built-in strategies pass. "Write a strategy" goes on from here.
