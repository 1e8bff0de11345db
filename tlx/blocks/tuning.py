"""What fine-tuning may choose: which layers move, in what order, how fast, and from where."""

from collections.abc import Callable, Sequence
from typing import Any

from tlx.blocks.fresh import with_fresh
from tlx.blocks.supervised import supervised
from tlx.contract import Context, Model, Phase, State


def unfrozen(model: Model, trains: tuple[str, ...], last: int) -> tuple[str, ...]:
    """`trains`, or with `last` k > 0 the head and the last k of the model's stages (all, where there are less)."""
    return (*model.stages[-last:], "head") if last > 0 else trains


def layer_rates(model: Model, decay: Any) -> tuple[tuple[str, Any], ...]:
    """Multipliers of the learning rate: 1 for the head, decay for the last stage, decay^2 for the one before it, ...

    Reference: Clark et al., "ELECTRA", ICLR 2020; Bao et al., "BEiT", ICLR 2022.
    """
    count = len(model.stages)
    return tuple((stage, decay ** (count - number)) for number, stage in enumerate(model.stages))


def fresh_parts(model: Model, globs: Sequence[str]) -> Callable[[State, Context], State]:
    """A phase's `begin` that draws the parameters and statistics anew that the globs over paths fit.

    Raises:
        SettingError: a glob that fits no parameter.
    """
    return lambda state, context: with_fresh(model, state, context.key, globs)


def tuned(
    model: Model,
    *,
    share: float,
    trains: tuple[str, ...] = ("*",),
    last: int = 0,
    gradual: bool = False,
    decay: Any = 1.0,
    norm: str = "train",
    begin: Callable[[State, Context], State],
    **target: Any,
) -> tuple[Phase, ...]:
    """The phases on the labelled target: "target", or, gradual, "target-0" (the head), "target-1" (and a stage), ...

    Gradual phases divide the share equally; each goes through the recipe's schedule, with optimizer states of its own.
    """
    common: dict[str, Any] = {**target, "frozen": norm == "frozen", "rates": layer_rates(model, decay)}
    if not gradual:
        groups = unfrozen(model, trains, last)
        return (supervised(model, "labelled", groups, name="target", share=share, begin=begin, **common),)
    count = min(last, len(model.stages)) if last > 0 else len(model.stages)
    phases: list[Phase] = []
    for number in range(count + 1):
        groups = (*model.stages[len(model.stages) - number :], "head")
        own: dict[str, Any] = {"begin": begin} if number == 0 else {}
        part = share / (count + 1)
        phases.append(supervised(model, "labelled", groups, name=f"target-{number}", share=part, **own, **common))
    return tuple(phases)
