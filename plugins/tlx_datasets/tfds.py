"""Any image-classification set of TFDS, by its name there: read without TensorFlow.

What is prepared as array_record lies in TFDS_DATA_DIR (by default ~/tensorflow_datasets), one folder a version.
"""

import hashlib
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from tlx import DataAbsent, DataError
from tlx.data import Arrays, Dataset, fifth
from tlx.store import Prepared, Ready
from tlx_datasets.rows import by_content

log = logging.getLogger("tlx")
NAME = re.compile(r"\w+(/[\w.+-]+)?(:\d+\.\d+\.\d+)?")
FORMAT = "array_record"  # it is read without TensorFlow
RECORDS = 1024  # asked for at once
SIZE = 224  # of images that have different sizes


def load(name: str) -> Prepared:
    """The set that TFDS knows as `name` ("kmnist", "emnist/digits"), as the dataset "tfds:<name>".

    The test split is TFDS's "test", else "validation"; where there is neither, a fifth of each class of "train", chosen
    by the hash of their origin. Images of different sizes are scaled to 224x224 (bilinear, aspect not kept).
    """
    return Prepared(f"tfds:{name}", lambda folder: _prepare(name), source=f"TFDS {name}", ready=lambda: ready(name))


def ready(name: str, as_name: str | None = None, upright: bool = True) -> Ready | None:
    """The set where TFDS has prepared it on this machine, and None where it has not, or as another kind of file.

    `as_name` is the name of the Dataset; images that are not `upright` are transposed.
    """
    folder = _folder(name)
    if folder is None:
        return None
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(f"{path.name} {path.stat().st_size}".encode())
        digest.update(path.read_bytes() if path.suffix in (".json", ".txt") else b"")
    return Ready(digest.hexdigest(), folder, lambda: _read(name, as_name or f"tfds:{name}", folder, upright))


def data_dir() -> Path:
    """Where TFDS keeps what it prepares."""
    return Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def _folder(name: str) -> Path | None:
    """The version that the name asks for, or the newest, of those prepared as array_record."""
    if not NAME.fullmatch(name):
        raise DataError(f"The name '{name}' of a TFDS set; expected 'name', 'name/config' or 'name/config:version'.")
    found = [(version, folder) for version, folder, formats in _versions(name) if FORMAT in formats]
    return max(found)[1] if found else None


def _versions(name: str) -> list[tuple[tuple[int, ...], Path, list[str]]]:
    """What TFDS has prepared of a set: version, folder, formats of its files."""
    base, _, asked = name.partition(":")
    found = []
    for info in (data_dir() / base).glob(f"{asked or '*.*.*'}/dataset_info.json"):
        try:
            about = json.loads(info.read_text())
            version = tuple(int(part) for part in info.parent.name.split("."))
        except (OSError, ValueError):
            continue  # being written, or not TFDS's
        found.append((version, info.parent, [about.get("fileFormat"), *about.get("alternativeFileFormats", ())]))
    return found


def _refuse_other_format(name: str) -> None:
    """Raises DataAbsent where TFDS has prepared the set in files that cannot be read without TensorFlow."""
    if other := _versions(name):
        _, folder, formats = max(other)
        raise DataAbsent(
            f"TFDS has prepared '{name}' in {folder} as {' and '.join(map(str, formats))}; expected {FORMAT}. To "
            f"add it there: pip install 'tlx[prepare]' && tfds convert_format --dataset_version_dir={folder} "
            f"--out_file_format={FORMAT}"
        )


def _prepare(name: str) -> Dataset:
    _refuse_other_format(name)
    tfds = _tfds()
    log.info("TFDS downloads and prepares %s in %s", name, data_dir())
    try:
        tfds.builder(name, data_dir=data_dir(), file_format=FORMAT).download_and_prepare()
    except (Exception, SystemExit) as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        needed = f"To have TensorFlow: pip install 'tlx[prepare]' && tlx data prepare 'tfds:{name}'. "
        hint = needed if isinstance(error, ImportError) else ""  # it is imported only to encode arrays
        raise DataAbsent(f"TFDS could not prepare '{name}' in {data_dir()}. {hint}It says: {said[:300]}") from error
    if (found := ready(name)) is None:
        raise DataAbsent(f"TFDS prepared '{name}', but no {FORMAT} files of it are in {data_dir()}.")
    return found.build()


def _tfds() -> Any:
    import tensorflow_datasets

    logging.getLogger("absl").addFilter(_of_use)
    return tensorflow_datasets


def _of_use(record: logging.LogRecord) -> bool:
    """TFDS advises OpenCV at every first image; decoding is done once, and Pillow will do."""
    return "OpenCV" not in str(record.msg)


def _read(name: str, as_name: str, folder: Path, upright: bool) -> Dataset:
    tfds = _tfds()
    try:
        builder = tfds.builder_from_directory(folder)
        image, label = _features(name, tfds, builder.info.features)
        classes = tuple(builder.info.features[label].names)
        train, test = _splits(name, list(builder.info.splits))
        splits = {split: _arrays(builder.as_data_source(split), image, label) for split in (train, test) if split}
    except DataError:
        raise
    except Exception as error:  # array_record and protobuf raise what they like
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise DataError(f"The set '{name}' of TFDS in {folder} cannot be read: {said}") from error
    origin, parts = as_name.removeprefix("tfds:"), {}
    for split in list(splits):
        x, y = splits.pop(split)
        parts[split] = by_content(origin, "test" if split == test else "train", x if upright else x.swapaxes(1, 2), y)
    first, second = (parts[train], parts[test]) if test else _fifth(parts[train], as_name)
    return Dataset(as_name, first, second, classes)


def _features(name: str, tfds: Any, features: Any) -> tuple[str, str]:
    """The keys of the image and of its class."""
    kinds = {"image": tfds.features.Image, "class label": tfds.features.ClassLabel}
    keys = {kind: [key for key in features if isinstance(features[key], base)] for kind, base in kinds.items()}
    for kind, found in keys.items():
        preferred = [key for key in found if key in ("image", "label")]
        if len(preferred or found) != 1:
            raise DataError(f"The set '{name}' of TFDS has as {kind}: {', '.join(found) or 'nothing'}; expected one.")
        keys[kind] = preferred or found
    return keys["image"][0], keys["class label"][0]


def _splits(name: str, splits: list[str]) -> tuple[str, str | None]:
    if "train" not in splits:
        raise DataError(f"The set '{name}' of TFDS has the splits {', '.join(splits) or 'none'}; expected 'train'.")
    return "train", next((split for split in ("test", "validation") if split in splits), None)


def _arrays(source: Any, image: str, label: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = None, np.empty(len(source), np.int32)
    for start in range(0, len(source), RECORDS):
        records = source.__getitems__(range(start, min(start + RECORDS, len(source))))
        images = [record[image] for record in records]
        if x is None:
            fixed = None not in source.dataset_info.features[image].shape
            shape = images[0].shape if fixed else (SIZE, SIZE, images[0].shape[2])
            x = np.empty((len(source), *shape), np.uint8)
        for place, one in enumerate(images, start):
            x[place] = one if one.shape == x.shape[1:] else scaled(one)
        y[start : start + len(records)] = [record[label] for record in records]
    if x is None:
        raise DataError(f"The split '{source.split}' is empty; expected at least one image.")
    return x, y


def scaled(image: np.ndarray) -> np.ndarray:
    """An image [H, W, C] at 224x224, bilinear."""
    from PIL import Image

    flat = image[..., 0] if image.shape[2] == 1 else image
    size = np.asarray(Image.fromarray(flat).resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    return size.reshape(SIZE, SIZE, image.shape[2])


def _fifth(rows: Arrays, name: str) -> tuple[Arrays, Arrays]:
    mark = fifth(rows.y, rows.origin, "tfds test", name)
    return Arrays(*(part[~mark] for part in rows)), Arrays(*(part[mark] for part in rows))
