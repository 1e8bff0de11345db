"""Building blocks of strategies: supervised phases, sums of terms, both domains, teachers, fine-tuning, test time."""

from tlx.blocks.additive import Additive, Outputs
from tlx.blocks.both_domains import Norm, as_source, both_domains, with_source_norm
from tlx.blocks.fresh import with_fresh
from tlx.blocks.online import NORM, by_batch, online
from tlx.blocks.rows import concatenate, count
from tlx.blocks.sums import Sum, compose, composes, fields
from tlx.blocks.supervised import Term, fine_tuned, new_head, pretrained, supervised
from tlx.blocks.teacher import follow, teacher_logits, with_teacher
from tlx.blocks.tuning import fresh_parts, layer_rates, tuned, unfrozen

__all__ = [
    "NORM",
    "Additive",
    "Norm",
    "Outputs",
    "Sum",
    "Term",
    "as_source",
    "both_domains",
    "by_batch",
    "compose",
    "composes",
    "concatenate",
    "count",
    "fields",
    "fine_tuned",
    "follow",
    "fresh_parts",
    "layer_rates",
    "new_head",
    "online",
    "pretrained",
    "supervised",
    "teacher_logits",
    "tuned",
    "unfrozen",
    "with_fresh",
    "with_source_norm",
    "with_teacher",
]
