"""Online domain adaptation of batch norm."""

from tlx import Strategy, strategy
from tlx.blocks import by_moved, online, supervised


@strategy
class ONDA(Strategy):
    """Test time: running statistics of batch norm follow the stream; no parameter moves.

    running = (1 - alpha) running + alpha batch, before each batch is predicted by them

    Of small `alpha` a batch of one row does no harm: its statistics are a small part. The variance of a batch is the
    biased one, as in flax, where the authors' is n / (n - 1) times that.

    Settings: `alpha` 0.1, as in the paper.

    Raises ContractError for a backbone without batch norm.

    Reference: Mancini et al., "Kitting in the Wild through Online Domain Adaptation", IROS 2018.
    """

    setting = "test-time"
    paper = "Mancini et al. 2018"
    targets = ("classes", "real")

    alpha: float = 0.1

    def phases(self, model):
        def after(state, batch, context):
            return by_moved(model, state, batch.target.x, self.alpha)[1]

        return supervised(model, name="source"), online(after=after)
