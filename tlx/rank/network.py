"""A backbone with its weights, which computes features."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlx.data.protocol import Protocol
from tlx.plugins import Registry
from tlx.weights import digest, read


@dataclass(frozen=True)
class Network:
    """A backbone by name, the source of its weights (None: as seed 0 initialises it), and the thing itself."""

    name: str
    weights: str | None
    backbone: Any

    @classmethod
    def of(cls, registry: Registry, backbone: str, weights: str | None = None) -> "Network":
        """The network of a registered backbone.

        Raises:
            UnknownName, PluginError: no such backbone.
        """
        return cls(backbone, weights, registry.get("backbones", backbone))

    @property
    def label(self) -> str:
        """Its name, and whether it is as its initialiser left it."""
        return self.name if self.weights else f"{self.name} (random weights)"

    def facts(self, protocol: Protocol) -> dict[str, Any]:
        """All that its features of an image depend on, as JSON values."""
        shown = {key: getattr(protocol, key) for key in ("size", "channels", "mean", "std")}
        if protocol.resize is not None:
            shown["resize"] = protocol.resize
        return {"backbone": self.name, "weights": digest(self.weights) if self.weights else "", **shown}

    def extractor(self, protocol: Protocol) -> Callable[..., np.ndarray]:
        """A function from images to features [rows, width]; JAX is first needed here.

        Raises:
            WeightsError: weights that are absent or damaged.
        """
        from tlx.engine.extract import extractor

        return extractor(self.backbone, protocol, read(self.weights) if self.weights else None)
