"""Pseudo-balanced draws."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from tlx import ContractError, Sweep, strategy
from tlx.blocks import Wrapper
from tlx.ops import balanced_rows

LABELS = "rs.labels"


@strategy
class RS(Wrapper):
    """Draws classes alike: source rows by label, target rows by pseudo-label; around any strategy: `dann+rs`.

    A row's class is drawn first, among those that have rows, then a row of it. Pseudo-labels are the predictions before
    each round; in the first round of a run, whose network knows nothing, target rows are drawn alike.

    Alone it is class-balanced training on the source. What a program draws by a rule of its own cannot be changed.

    Reference: Garg et al., "RLSbench: Domain Adaptation Under Relaxed Label Shift", ICML 2023 (re-sampling).
    """

    paper = "Garg et al. 2023"

    def extras(self, model):
        return {LABELS: jnp.zeros(model.rows.get("target", 0), jnp.int32)}

    def around(self, model, phases, predict):
        return tuple(self._drawn(model, number, phase, predict) for number, phase in enumerate(phases))

    def _drawn(self, model, number, phase, predict):
        fields = tuple(sorted(phase.sees & {"source", "target"}))
        if phase.online or not phase.objectives or not fields:
            return phase
        if not isinstance(phase.draw, Mapping) or phase.draw:
            raise ContractError(f"strategy rs: phase '{phase.name}' draws its rows by a rule of its own")

        def draw(state, facts, key, sizes):
            keys = jax.random.split(key, len(fields))
            labels = {"source": facts["source"].y if "source" in fields else None, "target": state.extra[LABELS]}
            return {
                name: balanced_rows(own, labels[name], facts[name].rows, model.outputs, sizes[name])
                for name, own in zip(fields, keys, strict=True)
            }

        if "target" not in fields:
            return phase._replace(draw=draw)

        def refresh(state, swept, context):
            known = (context.progress > 0) | (number > 0)
            state = state.put(**{LABELS: jnp.where(known, swept[LABELS], 0)})
            return phase.refresh(state, {name: rows for name, rows in swept.items() if name != LABELS}, context)

        labels = Sweep("target", lambda state, rows: predict(state, rows.x).argmax(1).astype(jnp.int32))
        return phase._replace(draw=draw, refresh=refresh, sweeps={**phase.sweeps, LABELS: labels})
