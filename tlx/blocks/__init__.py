"""Building blocks of strategies: supervised phases, sums of terms, both domains, teachers, fine-tuning, test time."""

from tlx.blocks.additive import Additive, Outputs
from tlx.blocks.both_domains import Norm, as_source, both_domains, with_source_norm
from tlx.blocks.fresh import with_fresh
from tlx.blocks.online import NORM, by_batch, online
from tlx.blocks.supervised import fine_tuned, new_head, pretrained, supervised
from tlx.blocks.teacher import as_teacher, follow, saw, with_teacher
from tlx.blocks.tuning import fresh_parts, layer_rates, tuned, unfrozen

__all__ = [
    "NORM",
    "Additive",
    "Norm",
    "Outputs",
    "as_source",
    "as_teacher",
    "both_domains",
    "by_batch",
    "fine_tuned",
    "follow",
    "fresh_parts",
    "layer_rates",
    "new_head",
    "online",
    "pretrained",
    "saw",
    "supervised",
    "tuned",
    "unfrozen",
    "with_fresh",
    "with_source_norm",
    "with_teacher",
]
