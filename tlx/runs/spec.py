"""A spec: all that says what a run computes, as data that can be hashed, stored, pickled and run again."""

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tlx.data.file_names import file_word
from tlx.engine.recipe import Recipe
from tlx.runs.convert import OPTIONAL, as_text, convert_fields, fields_to_json

LONGEST = 161  # bytes of task and strategy in the name of a file
NOT_COMPUTED = ("plugin_files", "suite", "weights", "recipe_set")
Setting = bool | int | float | str | None | tuple[Any, ...]


@dataclass(frozen=True)
class Spec:
    """One run: a task under its protocol, a strategy with all its settings, a backbone, a recipe, seeds.

    `plugin_files` (to load before), `suite` (that it belongs to) and `recipe_set` (fields in which the recipe differs
    from the registered one, "key=value") say how to run it again, not what it computes: they are not in the hash.
    `weights` is the source of pretrained weights, "" for none; what counts is their content, by
    `weights_sha256`.
    """

    task: str
    protocol: str
    strategy: str
    settings: tuple[tuple[str, Setting], ...]
    backbone: str
    recipe: Recipe
    seeds: tuple[int, ...]
    plugin_files: tuple[str, ...] = ()
    suite: str = ""
    weights: str = field(default="", metadata=OPTIONAL)
    weights_sha256: str = field(default="", metadata=OPTIONAL)
    recipe_set: tuple[str, ...] = field(default=(), metadata=OPTIONAL)

    @property
    def hash(self) -> str:
        """The sha256 of the canonical JSON of what the run computes: 64 hex digits, the same on every machine."""
        return digest(self.to_json())

    @property
    def file_name(self) -> str:
        """The name of its files, without the ending: task, strategy and the first 12 digits of the hash.

        At most 175 bytes, so that what `tlx.runs.store` puts before and after it makes no name of more than 255.
        """
        strategy = file_word(self.strategy, LONGEST // 3)
        return ".".join((file_word(self.task, LONGEST - len(strategy.encode())), strategy, self.hash[:12]))

    @property
    def label(self) -> str:
        """Task and strategy, as messages write them."""
        return f"{self.task} {self.strategy}"

    @property
    def full_task(self) -> str:
        """The task with its protocol, as the registry takes it: "a->b@P-28/10"."""
        return full_name(self.task, self.protocol)

    @property
    def weight(self) -> int:
        """How much work it is, for a progress bar: steps x seeds."""
        return self.recipe.steps * len(self.seeds)

    @property
    def command(self) -> str:
        """The shell command that runs it again: by its suite if it is of one, else by itself."""
        # an arrow has to be quoted; a colon stands for one alone, and names with a prefix hold ":" themselves
        plain = ":" not in self.task and self.task.count("->") == 1
        task = self.full_task.replace("->", ":") if plain else self.full_task
        first = self.seeds == tuple(range(len(self.seeds)))
        every = [word for seed in self.seeds for word in ("--seed", str(seed))]
        seeds = ["--seeds", str(len(self.seeds))] if first else every
        fields = [word for text in self.recipe_set for word in ("--recipe-set", text)]
        if self.suite:
            words = ["tlx", "bench", self.suite, "--tasks", task, "--strategies", self.strategy, *seeds, *fields]
        else:
            words = ["tlx", "run", task, self.strategy, "--backbone", self.backbone, "--recipe", self.recipe.name]
            words += ["--steps", str(self.recipe.steps), *seeds, *fields]
            words += [word for key, value in self.settings for word in ("--set", f"{key}={as_text(value)}")]
        words += ["--weights", self.weights] if self.weights else []
        return shlex.join(words + [word for file in self.plugin_files for word in ("--plugin", file)])

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON values; the settings are a dict."""
        fields = fields_to_json(self)
        return {**fields, "settings": dict(sorted(fields["settings"]))}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Spec":
        """The spec of `to_json`'s dict.

        Raises:
            ValueError, SettingError: the dict is not one that `to_json` writes.
        """
        if not isinstance(settings := fields.get("settings", {}), dict):
            raise ValueError(f"settings: got {settings!r:.60}; expected a dict")
        pairs = [[key, _frozen(value)] for key, value in sorted(settings.items())]
        return convert_fields({**fields, "settings": pairs} if "settings" in fields else fields, cls)


def joint_hash(specs: Iterable[Spec]) -> str:
    """The sha256 of the hashes of runs that are one grid."""
    return hashlib.sha256("\n".join(spec.hash for spec in specs).encode()).hexdigest()


def full_name(task: str, protocol: str) -> str:
    """A task's name with its protocol before its shots: "a->b/10" under "P-28/10" is "a->b@P-28/10".

    `task` is in normal form. The name of a target with a prefix has the protocol already where it has shots.
    """
    identifier, slash, shots = protocol.partition("/")
    return f"{task.removesuffix(f'{slash}{shots}').removesuffix(f'@{identifier}')}@{protocol}"


def digest(fields: Mapping[str, Any]) -> str:
    """The hash of a spec from its dict."""
    content = {key: value for key, value in fields.items() if key not in NOT_COMPUTED}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
