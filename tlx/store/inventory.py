"""What of a dataset lies on this machine, and whether it is sound."""

from pathlib import Path
from typing import NamedTuple

from tlx.errors import DataError
from tlx.store import cache
from tlx.store.downloadable import Prepared
from tlx.store.file import mismatch, sha256


class Presence(NamedTuple):
    """`kind` is "cached", "prepared" (by TFDS), "raw" (files that are not built yet) or "absent".

    `size` is in bytes: of what is there, or, of an absent dataset, of what would be downloaded as far as it is known.
    """

    kind: str
    size: int
    where: Path | None


def state(dataset: Prepared) -> Presence:
    """What is there of a dataset. No file is hashed and nothing is downloaded."""
    place = dataset.place
    if (place / "meta.json").exists():
        return Presence("cached", _bytes(place), place)
    if (ready := dataset.ready()) is not None:
        return Presence("prepared", _bytes(ready.where), ready.where)
    needs = [state(need) for need in dataset.needs]
    if all((dataset.folder / file.name).exists() for file in dataset.files) and (dataset.files or needs):
        if all(need.kind != "absent" for need in needs):
            return Presence("raw", _bytes(dataset.folder), dataset.folder)
    absent = [file for file in dataset.files if not (dataset.folder / file.name).exists()]
    return Presence(
        "absent", sum(file.size or 0 for file in absent) + sum(n.size for n in needs if n.kind == "absent"), None
    )


def problems(dataset: Prepared) -> list[str]:
    """What is wrong with the files of a dataset, each file hashed; empty where what is there is sound."""
    wrong = []
    for file in dataset.files:
        path = dataset.folder / file.name
        if path.exists() and (told := mismatch(file, path)):
            wrong.append(f"{path}: {told}. Delete it; tlx data prepare '{dataset.name}' brings it again.")
    place = dataset.place
    if not place.exists():
        return wrong
    try:
        for name, facts in cache.meta(place)["files"].items():
            path = place / name
            digest = sha256(path) if path.exists() else "missing"
            if digest != facts["sha256"]:
                wrong.append(f"{path}: SHA-256 is {digest}; expected {facts['sha256']}. {_remedy(place)}")
        cache.read(dataset.name, place)
    except DataError as error:
        wrong.append(f"{error} {_remedy(place)}")
    return wrong


def _remedy(place: Path) -> str:
    return f"Delete the folder {place}; the next start builds it again."


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
