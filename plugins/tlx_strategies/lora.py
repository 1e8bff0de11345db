"""Low-rank adaptation."""

from tlx import Objective, Phase, Strategy, static, strategy
from tlx.blocks import pretrained
from tlx.ops import lora_init, lora_merge


@strategy
class LoRA(Strategy):
    """Fine-tunes a low-rank change of every kernel and the head; the pretrained features stay as they are.

    W' = W + (alpha / r) A B for each dense and convolution kernel, A [inputs, r] random, B [r, outputs] zero at first;
    the inputs of a convolution are all of a window's. Phase 2: task loss(labelled target), down A, B and the head.

    Batch norm runs in eval mode with the source's statistics in phase 2.

    Settings: `pretrain`, the share of the steps on the source; `rate`, the second phase's learning rate as a multiple
    of the first's; `rank` r 4; `alpha` 4.

    Reference: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
    """

    setting = "fine-tuning"
    paper = "Hu et al. 2022"
    targets = ("classes", "real")

    pretrain: float = static(0.5)
    rate: float = 1.0
    rank: int = 4
    alpha: float = 4.0

    def merged(self, state):
        """The state with the low-rank changes added to the kernels."""
        scale = self.alpha / self.rank
        return state.put_params(features=lora_merge(state.params["features"], state.params["lora"], scale))

    def phases(self, model):
        def begin(state, context):
            return state.put_params(lora=lora_init(context.key, state.params["features"], self.rank))

        def loss(state, batch, context):
            features, _ = model.features(self.merged(state), batch.labelled.x, train=False)
            logits, state = model.classify(state, features)
            return model.task_loss(logits, batch.labelled.y), state, {}

        target = Phase(
            (Objective(loss, ("lora", "head")),),
            name="target",
            share=1 - self.pretrain,
            rate=self.rate,
            sees=frozenset({"labelled"}),
            begin=begin,
        )
        return *pretrained(model, self.pretrain), target

    def predict(self, model, state, x):
        return super().predict(model, self.merged(state) if "lora" in state.params else state, x)
