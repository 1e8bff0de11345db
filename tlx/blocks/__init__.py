"""Building blocks of strategies: supervised phases, sums, wrappers, both domains, teachers, tuning, test time."""

from tlx.blocks.active import Active
from tlx.blocks.additive import Additive, Outputs
from tlx.blocks.both_domains import Norm, as_source, both_domains, with_source_norm
from tlx.blocks.few_shot import FewShot
from tlx.blocks.fresh import with_fresh
from tlx.blocks.imbalanced import Imbalanced
from tlx.blocks.label_shift import LabelShift, estimate_weights, no_shift, shift_corrected, shift_estimation
from tlx.blocks.online import NORM, by_batch, by_moved, check_statistics, norms, online
from tlx.blocks.rows import concatenate, count
from tlx.blocks.sums import Sum, compose, composes, fields
from tlx.blocks.supervised import Term, fine_tuned, new_head, pretrained, supervised
from tlx.blocks.teacher import follow, teacher_logits, with_teacher
from tlx.blocks.tuning import fresh_parts, layer_rates, tuned, unfrozen
from tlx.blocks.wrappers import Wrapped, Wrapper, wrap

__all__ = [
    "Active",
    "Additive",
    "FewShot",
    "Imbalanced",
    "LabelShift",
    "NORM",
    "Norm",
    "Outputs",
    "Sum",
    "Term",
    "Wrapped",
    "Wrapper",
    "as_source",
    "both_domains",
    "by_batch",
    "by_moved",
    "check_statistics",
    "compose",
    "composes",
    "concatenate",
    "count",
    "estimate_weights",
    "fields",
    "fine_tuned",
    "follow",
    "fresh_parts",
    "layer_rates",
    "new_head",
    "no_shift",
    "norms",
    "online",
    "pretrained",
    "shift_corrected",
    "shift_estimation",
    "supervised",
    "teacher_logits",
    "tuned",
    "unfrozen",
    "with_fresh",
    "with_source_norm",
    "with_teacher",
    "wrap",
]
