"""What goes with the tensors of a trained model: all that applying it needs, and what it was trained and kept by."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlx.data import TaskData
from tlx.data.facts import Facts
from tlx.errors import WeightsError
from tlx.runs.convert import convert_fields, to_json
from tlx.runs.environment import versions
from tlx.runs.fingerprint import engine_fingerprint, fingerprint
from tlx.runs.resolve import Job
from tlx.runs.spec import Spec

FORMAT = 1


@dataclass(frozen=True)
class About:
    """One seed's model: its run, the evaluation that it was kept at and the `selection` that picked it, and the task.

    `code` has the fingerprints of "strategy", "backbone" and "engine", "" for what has no source; `setting` is the
    strategy's.
    """

    spec: Spec
    seed: int
    selection: str
    phase: str
    step: int
    setting: str
    facts: Facts
    code: dict[str, str]
    versions: dict[str, str]
    data_hash: str

    @classmethod
    def of(cls, job: Job, data: TaskData, seed: int, selection: str, phase: str, step: int) -> "About":
        """That of a run's seed at an evaluation."""
        code = code_of(type(job.strategy), job.backbone)
        facts, setting = Facts.of(data), type(job.strategy).setting
        return cls(job.spec, seed, selection, phase, int(step), setting, facts, code, versions(), data.hash)

    def text(self, tensors: Mapping[str, np.ndarray]) -> str:
        """The JSON text that stands beside the tensors, with a digest of both."""
        fields = {"format": FORMAT, "hash": self.spec.hash, **to_json(self)}
        return json.dumps({**fields, "digest": _digest(fields, tensors)}, allow_nan=False)

    @classmethod
    def parse(cls, text: str, tensors: Mapping[str, np.ndarray] | None = None) -> "About":
        """That of a text; with `tensors`, these are checked too.

        Raises:
            WeightsError: it is damaged, was changed by hand, or of another version.
        """
        try:
            fields = json.loads(text)
            written = fields.pop("format")
            if written != FORMAT:
                raise WeightsError(f"it has the model format {written!r}; this tlx reads {FORMAT}")
            given = fields.pop("digest")
            if tensors is not None and given != _digest({"format": FORMAT, **fields}, tensors):
                raise WeightsError("its digest is not that of its content: it is damaged, or was changed")
            fields.pop("hash")
            return convert_fields(fields, cls)
        except WeightsError:
            raise
        except Exception as error:  # it may hold anything
            raise WeightsError(f"what it says of itself is damaged: {type(error).__name__}: {error}") from error


def code_of(strategy: type, backbone: Any) -> dict[str, str]:
    """The fingerprints of what a model's predictions are computed by."""
    own = getattr(backbone, "func", backbone)  # of a partial
    network = fingerprint(own) if hasattr(own, "__module__") else ""
    return {"strategy": fingerprint(strategy), "backbone": network, "engine": engine_fingerprint()}


def _digest(fields: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> str:
    content = hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())
    for name in sorted(tensors):
        tensor = np.asarray(tensors[name], order="C")
        content.update(f"\0{name}\0{tensor.dtype}\0{tensor.shape}\0".encode() + tensor.tobytes())
    return content.hexdigest()
