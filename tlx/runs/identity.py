"""What a score depends on besides its spec: code, protocol and data; and whether that is still what gave a result."""

import dataclasses
import hashlib
import logging
from collections.abc import Iterable, Mapping
from functools import partial
from types import ModuleType
from typing import NamedTuple

from tlx.data import Protocol, TaskData, load_task
from tlx.errors import DataAbsent, DataError, TlxError, UnknownName
from tlx.plugins import Entry, Registry
from tlx.runs.fingerprint import fingerprint, fingerprint_of_modules
from tlx.runs.known_data import are_absent, keep_hash, known_hash, mark_of
from tlx.runs.resolve import Job
from tlx.runs.result import Result

log = logging.getLogger(__name__)


class Code(NamedTuple):
    """The fingerprint of a strategy, and by name those of the rest: "backbone", "protocol", "selector NAME"."""

    strategy: str
    parts: Mapping[str, str]


class Identities:
    """The identities of jobs as plugins and data are now; what is known of a task's data is looked up once."""

    def __init__(self, registry: Registry):
        self.registry = registry
        self._data: dict[str, str | None] = {}
        self._codes: dict[tuple[str, str], str] = {}

    def code(self, job: Job) -> Code:
        """The code and the protocol that a job's scores depend on; a part without a source is left out."""
        parts = {"protocol": protocol_hash(job.task.protocol)}
        for entry in self.registry.entries("backbones"):
            if entry.name == job.spec.backbone:
                parts["backbone"] = self._code_of(entry)
        for entry in self.registry.entries("selectors"):
            parts[f"selector {entry.name}"] = self._code_of(entry)
        return Code(fingerprint(type(job.strategy)), {name: text for name, text in parts.items() if text})

    def load(self, job: Job) -> TaskData:
        """The arrays of a job's task; their hash is kept for who asks for it without loading them.

        Raises:
            DataAbsent, DataError: as `load_task`.
        """
        before = self._mark(job)
        data = load_task(job.task, partial(self.registry.get, "datasets"))
        if before and self._mark(job) == before:  # nobody changed a file meanwhile
            keep_hash(before, data.hash)
        return data

    def changes(self, job: Job, result: Result) -> list[str]:
        """What of a finished result's identity is another now, in words; empty where the result is current.

        What a result does not say, as those of an earlier tlx, what judged none of its scores, and data that are not on
        this machine are unknown, and not compared.
        """
        spec, now = job.spec, self.code(job)
        changed = []
        if not result.code or now.strategy != result.code:
            changed.append(f"the code of '{spec.strategy}' has changed")
        words = {"backbone": f"the code of the backbone '{spec.backbone}'", "protocol": f"protocol '{spec.protocol}'"}
        for name, then in result.identity.items():
            judged = not name.startswith("selector ") or name.removeprefix("selector ") in result.selections
            if judged and now.parts.get(name, then) != then:
                changed.append(f"{words.get(name, f'the code of the {name}')} has changed")
        data = self._data_hash(job) if result.data_hash else None
        if data is not None and data != result.data_hash:
            changed.append("the data have changed")
        return changed

    def is_current(self, job: Job, result: Result) -> bool:
        """Whether a result finished, and all that its scores depend on is as it was; the log says what is not."""
        if not result.finished:
            return False
        if changed := self.changes(job, result):
            where = f"{job.spec.strategy} on {job.spec.task}"
            log.warning("%s: %s since its result was written; run again", where, "; ".join(changed))
        return not changed

    def _data_hash(self, job: Job) -> str | None:
        """The hash of a task's data as they are now; None of data that are not on this machine."""
        name = job.spec.full_task
        if name not in self._data:
            try:
                mark = mark_of(self.registry, job.task)
                self._data[name] = (mark and known_hash(mark)) or self._loaded_hash(job)
            except (DataAbsent, UnknownName):
                self._data[name] = None
            except DataError:
                self._data[name] = ""  # of no result; the run says why
        return self._data[name]

    def _loaded_hash(self, job: Job) -> str | None:
        return None if are_absent(self.registry, job.task) else self.load(job).hash

    def _mark(self, job: Job) -> str | None:
        try:
            return mark_of(self.registry, job.task)
        except TlxError:  # to load the data says why
            return None

    def _code_of(self, entry: Entry) -> str:
        """The fingerprint of what is registered; of an object, of the plugin's module and of its own."""
        key = (entry.kind, entry.name)
        if key not in self._codes:
            self._codes[key] = fingerprint_of_modules(_modules(entry, self.registry))
        return self._codes[key]


def protocol_hash(protocol: Protocol) -> str:
    """The sha256 of all that a protocol says but for its summary; fields at their defaults do not count."""
    facts = [
        f"{field.name}={getattr(protocol, field.name)!r}"
        for field in dataclasses.fields(protocol)
        if field.name != "summary" and getattr(protocol, field.name) != field.default
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _modules(entry: Entry, registry: Registry) -> Iterable[str]:
    if isinstance(entry.target, str):
        return [entry.target.partition(":")[0]]
    target = entry.target
    while isinstance(target, partial):
        target = target.func
    plugin = registry.plugin(entry.plugin)
    home = plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__module__
    return [home, getattr(target, "__module__", home)]
