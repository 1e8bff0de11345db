"""A folder of photographs, a sub-folder for each class, as Office-31, Office-Home and VisDA lie."""

import hashlib
import logging
from pathlib import Path

from tlx.data import Dataset
from tlx.store import Prepared, Ready
from tlx_datasets import image_files
from tlx_datasets.folder_files import some
from tlx_datasets.folder_layout import Split, splits
from tlx_datasets.options import parse, size_of, without_classes

log = logging.getLogger("tlx")
OPTIONS = ("size", "classes")


def load(path: str) -> Prepared:
    """A folder of images with a sub-folder for each class, RGB at 224x224: `folder:/data/office/amazon`.

    `folder:PATH?size=64` takes another size. Of each image the short side is scaled to it and the middle cropped. A
    class is named as its folder, and may be empty; classes are in the order of their names. Linked folders are
    followed. Names that begin with ".", what systems leave (`Thumbs.db`, `__MACOSX`) and notes (.csv, .txt, .json, .md)
    are skipped and counted.

    Images that lie in PATH itself, without a sub-folder, have no labels: a target of them is trained on, and nothing is
    scored. `?classes=none` takes all images so, those of sub-folders too. A "+" in a path is written as "%2B".

    Where PATH holds `train` and `test`, each with the classes, these are the splits; `valid` is the test split where
    there is no other, else it joins train. `Training`, `test_set`, `seg_train`, `val`, `dev`, `eval` are known too.
    Elsewhere a fifth of each class is test, at least one image of two: those with the smallest hash of the file's
    content, which is also a row's origin. So the same file is the same image in every folder, and a file that is in
    train and test is left out of train. VisDA's `train` and `validation` are two domains: name each by its own path.

    It is cached, 150 kB an image at 224x224, and built again when a file's name, size or time changes.

    Raises:
        DataAbsent: there is no such folder.
        DataError: no image, one class, a class of the test split that train lacks, splits without train or test,
            several domains, files that are no images or cannot be decoded.
    """
    name = f"folder:{path}"
    root, options = parse(name, OPTIONS)
    size, bare = size_of(name, options, image_files.SIZE), without_classes(name, options)
    return Prepared(
        name,
        lambda _: build(name, root, size, bare),
        source=str(root),
        ready=lambda: _ready(name, root, size, bare),
        shape=(size, size, 3),
        outline=lambda: outline(root, bare),
    )


def outline(root: Path, bare: bool = False) -> str:
    """How many images of which classes lie there, of train and test apart where there are both; none is opened."""
    texts = []
    for split in splits(root, bare):
        count = sum(map(len, split.files.values()))
        classes = ", ".join(f"{name} {len(files)}" for name, files in split.files.items())
        told = f"{count} images of {len(split.files)} classes: {classes}" if split.labelled else f"{count} images"
        texts.append(f"{split.name}: {told}" if split.roots != (root,) else told)
    return "; ".join(texts)


def build(name: str, root: Path, size: int = image_files.SIZE, bare: bool = False) -> Dataset:
    """The dataset `name` of the images under a folder; `bare` says that none has a label."""
    parts = splits(root, bare)
    _tell(name, parts)
    classes = tuple(parts[0].files) if parts[0].labelled else ()
    return image_files.make(name, f"The folder '{root}'", [_labelled(split, classes) for split in parts], classes, size)


def _labelled(split: Split, classes: tuple[str, ...]) -> tuple[list[Path], list[int]]:
    files = [file for own in split.files.values() for file in own]
    if not classes:
        return image_files.unlabelled(files)
    return files, [classes.index(name) for name, own in split.files.items() for _ in own]


def _tell(name: str, parts: list[Split]) -> None:
    if skipped := [path for split in parts for path in split.skipped]:
        log.warning("Dataset '%s': skipped, as no images (%d): %s.", name, len(skipped), some(skipped))
    if not parts[0].labelled:
        log.info("Dataset '%s': its images lie in no folder of a class: it has no labels.", name)
    elif empty := [label for label in parts[0].files if not any(split.files.get(label) for split in parts)]:
        log.warning("Dataset '%s': classes without an image (%d): %s.", name, len(empty), some(empty))
    if len(parts) == 2:
        log.info("Dataset '%s': train is %s, test is %s.", name, *(split.name for split in parts))


def _ready(name: str, root: Path, size: int, bare: bool) -> Ready:
    digest = hashlib.sha256(f"{size}".encode())
    parts = splits(root, bare)
    for split in parts:
        if len(parts) == 2:  # the same files as classes are another set
            digest.update(f"\0\0{split.name}".encode())
        if not split.labelled:
            digest.update(b"\0\0bare")
        digest.update("\0".join(label for label, files in split.files.items() if not files).encode())
        files = [file for own in split.files.values() for file in own]
        digest.update(image_files.marks(files, [str(file.relative_to(root)) for file in files]))
    return Ready(digest.hexdigest(), root, lambda: build(name, root, size, bare))
