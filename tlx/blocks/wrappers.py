"""Strategies that change the program of another by name: "dann+rs", "shot+rw"."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tlx.blocks.sums import Sum, common, fields
from tlx.blocks.supervised import supervised
from tlx.contract import Inputs, Key, Logits, Model, Phase, State, Strategy, register, strategy

Predict = Callable[[State, Inputs], Logits]


@strategy
class Wrapper(Strategy):
    """Base of strategies that change another's program: write `around`, and `extras` or `corrected` if needed.

    By its own name it wraps training on the source. "dann+rs" wraps `dann`, "dann+mcc+rs" the sum of both; of several
    wrappers the later is around the earlier. Its entries of `State.extra` need names that no other has ("rs.labels").
    """

    def extras(self, model: Model) -> dict[str, Any]:
        """What it adds to `State.extra`."""
        return {}

    def around(self, model: Model, phases: tuple[Phase, ...], predict: Predict) -> tuple[Phase, ...]:
        """The changed program; `predict(state, x)` gives the logits of what is wrapped.

        Raises:
            ContractError: the program has something that it cannot change.
        """
        return phases

    def corrected(self, state: State, logits: Logits) -> Logits:
        """The logits that are scored, from those of what is wrapped."""
        return logits

    def init(self, model: Model, key: Key) -> State:
        return model.init(key).put(**self.extras(model))

    def phases(self, model: Model) -> tuple[Phase, ...]:
        def predict(state: State, x: Inputs) -> Logits:
            return Strategy.predict(self, model, state, x)

        return self.around(model, (supervised(model, name="source"),), predict)

    def predict(self, model: Model, state: State, x: Inputs) -> Logits:
        return self.corrected(state, super().predict(model, state, x))


@dataclasses.dataclass(frozen=True, init=False)
class Wrapped(Strategy):
    """Base of what `wrap` makes: a strategy and the wrappers around it, the innermost first.

    The setting "rw.calibration" is `calibration` of the wrapper rw, "shot.pseudo" `pseudo` of shot; those of a sum keep
    the names that they have in it.
    """

    kinds: ClassVar[Mapping[str, type[Strategy]]] = {}
    parts: tuple[Any, ...] = ()

    def __init__(self, **settings: Any):
        if odd := settings.keys() - fields(type(self)):
            raise TypeError(f"{type(self).__name__} has no setting {', '.join(sorted(odd))}")
        parts: list[Strategy] = []
        for name, kind in self.kinds.items():
            own = {_named(name, kind, key): key for key in fields(kind)}
            parts.append(kind(**{key: settings[full] for full, key in own.items() if full in settings}))
        object.__setattr__(self, "parts", tuple(parts))  # as every frozen dataclass sets its fields

    @classmethod
    def composed_fields(cls) -> dict[str, tuple[Any, Any]]:
        """See `fields`."""
        every = ((name, kind, fields(kind)) for name, kind in cls.kinds.items())
        return {_named(name, kind, key): field for name, kind, own in every for key, field in own.items()}

    def init(self, model: Model, key: Key) -> State:
        base, *wrappers = self.parts
        state = base.init(model, key)
        for wrapper in wrappers:
            state = state.put(**wrapper.extras(model))
        return state

    def phases(self, model: Model) -> tuple[Phase, ...]:
        base, *wrappers = self.parts
        phases = base.phases(model)
        for depth, wrapper in enumerate(wrappers):
            phases = wrapper.around(model, phases, functools.partial(self._inner, model, depth))
        return phases

    def predict(self, model: Model, state: State, x: Inputs) -> Logits:
        return self._inner(model, len(self.parts) - 1, state, x)

    def _inner(self, model: Model, depth: int, state: State, x: Inputs) -> Logits:
        """The logits of the strategy inside so many wrappers."""
        base, *wrappers = self.parts
        logits = base.predict(model, state, x)
        for wrapper in wrappers[:depth]:
            logits = wrapper.corrected(state, logits)
        return logits


def _named(name: str, kind: type[Strategy], key: str) -> str:
    return key if issubclass(kind, Sum) else f"{name}.{key}"


@functools.cache
def wrap(parts: tuple[tuple[str, type[Strategy]], ...]) -> type[Wrapped]:
    """The strategy class of the first part within the others.

    Args:
        parts: (name, class) each, names that differ; all but the first are of `Wrapper`s

    Raises:
        ContractError: there is no kind of input, target or label space that all parts are for.
    """
    names, kinds = zip(*parts, strict=True)
    label, base = "+".join(names), kinds[0]
    space = {
        "__doc__": f"The program of {names[0]}, changed by {' and '.join(names[1:])}.",
        "__module__": __name__,
        "kinds": dict(parts),
        "groups": base.groups,
        "setting": base.setting,
        "paper": "; ".join(kind.paper for kind in kinds if kind.paper),
        **{fact: common(label, fact, kinds) for fact in ("inputs", "targets", "spaces")},
    }
    kind = dataclasses.dataclass(frozen=True, init=False)(type(label, (Wrapped,), space))
    register(kind, ["parts"], [])
    return kind
