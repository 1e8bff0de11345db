"""A spec: all that says what a run computes, as data that can be hashed, stored, pickled and run again."""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tlx.data.task_names import parse
from tlx.engine.recipe import Recipe

Setting = bool | int | float | str | None | tuple[Any, ...]


@dataclass(frozen=True)
class Spec:
    """One run: a task under its protocol, a strategy with all its settings, a backbone, a recipe, seeds.

    `plugin_files` (to load before) and `suite` (that it belongs to) say how to run it again, not what it computes: they
    are not in the hash. `weights` is the source of pretrained weights, "" for none; what counts is their content, by
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
    weights: str = ""
    weights_sha256: str = ""

    @property
    def hash(self) -> str:
        """The sha256 of the canonical JSON of what the run computes: 64 hex digits, the same on every machine."""
        return digest(self.to_json())

    @property
    def file_name(self) -> str:
        """The name of its files, without the ending: task, strategy and the first 12 digits of the hash."""
        words = (re.sub(r"[^\w.+]+", "-", word) for word in (self.task, self.strategy))
        return ".".join((*words, self.hash[:12]))

    @property
    def label(self) -> str:
        """Task and strategy, as messages write them."""
        return f"{self.task} {self.strategy}"

    @property
    def full_task(self) -> str:
        """The task with its protocol, as the registry takes it: "a->b@P-28/10"."""
        name = parse(self.task)
        return str(name._replace(protocol=self.protocol.removesuffix(f"/{name.shots}")))

    @property
    def weight(self) -> int:
        """How much work it is, for a progress bar: steps x seeds."""
        return self.recipe.steps * len(self.seeds)

    @property
    def command(self) -> str:
        """The shell command that runs it again: by its suite if it is of one, else by itself."""
        # an arrow would have to be quoted; names with a prefix hold ":" themselves
        task = self.full_task if ":" in self.task else self.full_task.replace("->", ":")
        seeds = ["--seeds", str(len(self.seeds))]
        if self.suite:
            words = ["tlx", "bench", self.suite, "--tasks", task, "--strategies", self.strategy, *seeds]
        else:
            words = ["tlx", "run", task, self.strategy, "--backbone", self.backbone, "--recipe", self.recipe.name]
            words += ["--steps", str(self.recipe.steps), *seeds]
            words += [word for key, value in self.settings for word in ("--set", f"{key}={written(value)}")]
        words += ["--weights", self.weights] if self.weights else []
        return shlex.join(words + [word for file in self.plugin_files for word in ("--plugin", file)])

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON values."""
        pretrained = {"weights": self.weights, "weights_sha256": self.weights_sha256} if self.weights else {}
        return {
            "task": self.task,
            "protocol": self.protocol,
            "strategy": self.strategy,
            "settings": {key: _thawed(value) for key, value in sorted(self.settings)},
            "backbone": self.backbone,
            "recipe": self.recipe.to_json(),
            "seeds": list(self.seeds),
            "plugin_files": list(self.plugin_files),
            "suite": self.suite,
            **pretrained,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Spec":
        """The spec of `to_json`'s dict.

        Raises:
            KeyError, TypeError, ValueError, SettingError: the dict is not one that `to_json` writes.
        """
        texts = {key: fields[key] for key in ("task", "protocol", "strategy", "backbone", "suite")}
        texts |= {key: fields.get(key, "") for key in ("weights", "weights_sha256")}
        if odd := [key for key, value in texts.items() if not isinstance(value, str)]:
            raise TypeError(f"spec: {', '.join(odd)} should be text")
        return cls(
            **texts,
            settings=tuple((key, _frozen(value)) for key, value in sorted(fields["settings"].items())),
            recipe=Recipe.from_json(fields["recipe"]),
            seeds=tuple(int(seed) for seed in fields["seeds"]),
            plugin_files=tuple(str(file) for file in fields["plugin_files"]),
        )


def digest(fields: Mapping[str, Any]) -> str:
    """The hash of a spec from its dict."""
    content = {key: value for key, value in fields.items() if key not in ("plugin_files", "suite", "weights")}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def written(value: Any) -> str:
    """A setting's value as the command line takes it: `true`, `0.5`, `none`, `1,2`."""
    if isinstance(value, tuple):
        return ",".join(written(item) for item in value)
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def _thawed(value: Any) -> Any:
    return [_thawed(item) for item in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
