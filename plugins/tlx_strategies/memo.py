"""Marginal entropy minimisation with one test point."""

import jax
import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.blocks import online, supervised
from tlx.ops import marginal_entropy

NETS = ("features", "head")


@strategy
class MEMO(Strategy):
    """Test time, one image at a time: each is predicted after steps of its own from the source's weights.

    w(x) = w - rate * grad H(mean_i softmax(logits(v_i(x)))), `steps` times, all weights w; v_i are `views` random
    strong augmentations of x; x itself is predicted by w(x), and the next image starts from w again

    So a prediction depends on no other row, and on no order or batch. The step is plain gradient descent, whatever
    the recipe's optimizer; batch norm is by running statistics (for networks with it the paper mixes in those of the
    image, as `bn_adapt`). The views are random by a hash of the image: the same image has the same ones.

    Settings: `rate` 0.005 and `views` 32, the authors' for CIFAR-10; `steps` 1.

    Reference: Zhang, Levine, Finn, "MEMO: Test Time Robustness via Adaptation and Augmentation", NeurIPS 2022,
    algorithm 1.
    """

    setting = "test-time"
    paper = "Zhang et al. 2022"
    inputs = ("image",)

    rate: float = 0.005
    views: int = 32
    steps: int = 1

    def phases(self, model):
        def begin(state, context):
            return state.put(views=context.key)

        return supervised(model, name="source"), online(begin=begin)

    def predict(self, model, state, x):
        def logits(weights, x):
            features, _ = model.features(state.put_params(**weights), x, train=False)
            return model.classify(state.put_params(**weights), features, train=False)[0]

        weights = {net: state.params[net] for net in NETS}
        if "views" not in state.extra:
            return logits(weights, x)

        def one(image):
            def step(weights, key):
                views = model.augment(key, jnp.broadcast_to(image, (self.views, *image.shape)), "strong")
                slope = jax.grad(lambda weights: marginal_entropy(logits(weights, views)))(weights)
                return jax.tree.map(lambda w, g: w - self.rate * g, weights, slope), None

            bits = jax.lax.bitcast_convert_type(image.sum(), jnp.uint32)
            keys = jax.random.split(jax.random.fold_in(state.extra["views"], bits), self.steps)
            return logits(jax.lax.scan(step, weights, keys)[0], image[None])[0]

        return jax.lax.map(one, x)
