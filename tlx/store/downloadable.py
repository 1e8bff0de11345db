"""A dataset that is built once from raw files and then read from the cache: what a dataset plugin declares."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tlx.data.task import Dataset
from tlx.errors import DataError
from tlx.store import cache
from tlx.store.file import File, Progress
from tlx.store.raw import fetch


class Ready(NamedTuple):
    """The same data, prepared on this machine by something else: `key` names its content, `where` is its folder."""

    key: str
    where: Path
    build: Callable[[], Dataset]


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """A dataset by its raw files and the function that builds it; calling it gives the `Dataset`.

    A plugin declares one at the top of a module and registers it; the module's docstring gives the summary:

        FILES = (File("usps.h5", "ba76...", ("https://official.example/usps.h5", "https://mirror.example/usps.h5")),)

        def build(folder: Path) -> Dataset: ...

        usps = Prepared("usps", build, FILES, source="LeCun et al. 1990", licence="research use")

        register("usps", "my_plugin.usps:usps")

    `build` is a pure function: called as `build(folder)`, or with the datasets of `needs` before it, as
    `build(mnist, folder)`, it reads the raw files in `folder` (each under its `File.name`, already hashed) and gives a
    Dataset of the name `name`, the same on every machine. Raise `version` whenever what it gives changes: the cache is
    built again. `ready` may find the same data where something else prepared it (TFDS); then no file is needed.
    Datasets of one archive name their common raw folder by `raw`. Raw files that are known by no hash come by
    `take(given, folder)`, which copies them from the folder given by hand, if they are in it; `ready` then finds them.
    `shape` is that of its images, (height, width, channels), where it is known before they are built; `outline` says
    what is known of its rows and classes then.

    The call looks into the cache, then builds from the raw files, which are downloaded where they are absent. Arrays
    are read-only and memory-mapped.

    Raises:
        DataAbsent: a raw file is not here and cannot be downloaded; the message says how to supply it by hand.
        DataError: a raw file that cannot be read as what it should be, or a folder that cannot be written.
    """

    name: str
    build: Callable[..., Dataset]
    files: tuple[File, ...] = ()
    needs: tuple["Prepared", ...] = ()
    source: str = ""
    licence: str = ""
    version: int = 1
    ready: Callable[[], Ready | None] = lambda: None
    raw: str = ""
    take: Callable[[Path, Path], None] | None = None
    shape: tuple[int, ...] | None = None
    outline: Callable[[], str] | None = None

    def __call__(self) -> Dataset:
        return self.prepare()

    def prepare(self, given: Path | None = None, progress: Progress | None = None) -> Dataset:
        """As the call; raw files that are absent are looked for in the folder `given` first."""
        key, ready = self._key()
        if ready is None and given is not None and self.take is not None:
            self._take(given)
            key, ready = self._key()
        return cache.load_or_build(self.name, key, lambda: self._build(ready, given, progress))

    @property
    def key(self) -> str:
        """The hash of all that decides its content: raw files, version, and the same of what it needs."""
        return self._key()[0]

    @property
    def place(self) -> Path:
        """The folder of the cache that holds it, or will."""
        return cache.place(self.name, self.key)

    @property
    def folder(self) -> Path:
        """Where its raw files lie."""
        return cache.home() / "raw" / cache.file_name(self.raw or self.name)

    def _key(self) -> tuple[str, Ready | None]:
        ready = self.ready()
        facts = {
            "name": self.name,
            "version": self.version,
            "files": [file.sha256 for file in self.files] if ready is None else ready.key,
            "needs": [need.key for need in self.needs],
        }
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest(), ready

    def _take(self, given: Path) -> None:
        assert self.take is not None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.take(given, self.folder)
        except OSError as error:
            raise DataError(f"Dataset '{self.name}': {given} cannot be copied to {self.folder}: {error}") from error

    def _build(self, ready: Ready | None, given: Path | None, progress: Progress | None) -> Dataset:
        built = ready.build() if ready is not None else self._from_files(given, progress)
        if not isinstance(built, Dataset):
            raise DataError(f"Dataset '{self.name}': its builder gave {built!r}; expected a tlx.Dataset.")
        if built.name != self.name:
            raise DataError(
                f"Dataset '{self.name}': its builder gave a dataset named '{built.name}'; expected this name."
            )
        return built

    def _from_files(self, given: Path | None, progress: Progress | None) -> Dataset:
        for file in self.files:
            fetch(file, self.folder, given, progress)
        return self.build(*[need.prepare(given, progress) for need in self.needs], self.folder)
