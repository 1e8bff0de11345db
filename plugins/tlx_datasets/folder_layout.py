"""Which folders are classes, which are splits, and which are several domains."""

import logging
import re
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from tlx import DataAbsent, DataError
from tlx.data import IMAGE_SUFFIXES
from tlx_datasets.folder_files import Found, gather, inner, look, some

log = logging.getLogger("tlx")
PLAIN = r"(?:images?|imgs?|pics|photos|data|sets?|seg|splits?|[^a-z])"
SPLIT = re.compile(
    rf"{PLAIN}*(?:(?P<train>train(?:ing)?|trn)|(?P<test>test(?:s|ing)?|tst)"
    rf"|(?P<valid>val(?:id(?:ation)?)?|dev(?:el)?|eval(?:uation)?)){PLAIN}*",
    re.IGNORECASE,
)
BETWEEN = re.compile(rf"{PLAIN}+|{SPLIT.pattern}", re.IGNORECASE)


class Split(NamedTuple):
    """The images of each class, in order, of one folder or of several that are joined; or all as one, not labelled."""

    roots: tuple[Path, ...]
    files: dict[str, list[Path]]
    skipped: list[Path]
    labelled: bool = True

    @property
    def name(self) -> str:
        return " and ".join(f"'{root.name}'" for root in self.roots)


def splits(root: Path, bare: bool = False) -> list[Split]:
    """Train and test where the folder has both, else all of it; with `bare` all images under it, without labels.

    Raises:
        DataAbsent: there is no such folder.
        DataError: folders that are neither classes nor splits, a test split with more classes, no images.
    """
    if not root.is_dir():
        raise DataAbsent(f"There is no folder '{root}'; expected one with a sub-folder of images for each class.")
    found = look(root)
    if bare or (found.images and not found.folders):
        every = gather(root)
        _refuse_odd(root, every.odd)
        if not every.images:
            raise DataError(f"The folder '{root}' has no image; expected one or more.")
        return [Split((root,), {"": every.images}, every.skipped, labelled=False)]
    named = _named(root, found)
    if not named:
        return [_classes(root)]
    _refuse_odd(root, found.odd)
    parts = {role: _classes(inner(folder, BETWEEN))._replace(roots=(folder,)) for role, folder in named.items()}
    test = parts.pop("test" if "test" in parts else "valid")
    other = [folder for folder in found.folders if folder not in named.values()]
    beside = [*found.skipped, *found.images, *found.other, *other]
    train = _joined(list(parts.values()), beside)
    _check_classes(root, train, test)
    return [train, test]


def _named(root: Path, found: Found) -> dict[str, Path]:
    """The folder of each split, train first; none where no folder is named as a split or one is a class of its own."""
    matches = [(match.lastgroup or "", path) for path in found.folders if (match := SPLIT.fullmatch(path.name))]
    if not matches or (len(matches) == 1 and len(look(inner(matches[0][1])).folders) < 2):
        return {}  # VisDA and COCO have a class "train"
    named = dict(sorted(matches, key=lambda match: ("train", "valid", "test").index(match[0])))
    if "train" not in named or len(named) < 2 or len(named) < len(matches):
        names = some([path.name for _, path in matches])
        raise DataError(
            f"The folder '{root}' has folders named as splits: {names}; expected one for train and one for test, as "
            f"'train' and 'test', each with the classes. Name one folder of classes by its own path, "
            f"'folder:{inner(matches[0][1])}', or rename a folder that is a class."
        )
    return named


def _joined(parts: list[Split], beside: list[Path]) -> Split:
    names = sorted({name for part in parts for name in part.files})
    files = {name: [file for part in parts for file in part.files.get(name, ())] for name in names}
    skipped = [*beside, *(path for part in parts for path in part.skipped)]
    return Split(tuple(root for part in parts for root in part.roots), files, skipped)


def _check_classes(root: Path, train: Split, test: Split) -> None:
    if only := set(test.files) - set(train.files):
        got = f"only {test.name} has the classes {', '.join(sorted(only))}"
        raise DataError(f"The folder '{root}': {got}; expected classes of {train.name}.")
    for split in (train, test):
        if not any(split.files.values()):
            raise DataError(f"The folder '{root}': no class of {split.name} has an image; expected one or more.")


def _classes(root: Path) -> Split:
    found = look(root)
    if len(found.folders) < 2:
        raise DataError(_few(root, found))
    _refuse_domains(root, found.folders)
    parts = [gather(folder) for folder in found.folders]
    _refuse_odd(root, [*found.odd, *(text for part in parts for text in part.odd)])
    files: dict[str, list[Path]] = {}
    for folder, part in zip(found.folders, parts, strict=True):
        files.setdefault(normalize("NFC", folder.name), []).extend(part.images)
    if twice := len(found.folders) - len(files):
        log.warning("The folder '%s': folders of one name in two forms of Unicode are one class (%d).", root, twice)
    _warn_of_case(root, files)
    files = dict(sorted(files.items()))
    if not any(files.values()):
        raise DataError(f"The folder '{root}': none of its classes {some(list(files))} has an image.")
    beside = [*found.skipped, *found.images, *found.other]
    skipped = [*beside, *(path for part in parts for path in part.skipped)]
    return Split((root,), files, skipped)


def _warn_of_case(root: Path, names: Iterable[str]) -> None:
    by_fold: dict[str, list[str]] = {}
    for name in names:
        by_fold.setdefault(name.casefold(), []).append(name)
    if alike := [" and ".join(sorted(same)) for same in by_fold.values() if len(same) > 1]:
        message = "The folder '%s': names that differ by case alone are different classes (%d): %s."
        log.warning(message, root, len(alike), some(alike))


def _refuse_odd(root: Path, odd: list[str]) -> None:
    if odd:
        known = " ".join(sorted(IMAGE_SUFFIXES))
        raise DataError(
            f"The folder '{root}' has entries that are no images ({len(odd)}): {some(odd)}; expected regular files "
            f"named {known}. Mend or remove them."
        )


def _few(root: Path, found: Found) -> str:
    """What to say of a folder with one sub-folder or none."""
    got = f"one class, '{found.folders[0].name}'" if found.folders else "no class"
    text = f"The folder '{root}' has {got}; expected two or more sub-folders, one for each class."
    below = inner(root)
    if found.folders and (count := len(look(below).folders)) > 1:
        text += f" '{below}' has {count} sub-folders: name that path, 'folder:{below}'."
    elif found.images:
        text += f" It has {len(found.images)} images of no class: move them to sub-folders."
    if found.folders:
        text += f" Images without labels are 'folder:{root}?classes=none'."
    if found.odd:
        text += f" What cannot be read: {some(found.odd)}."
    return text


def _refuse_domains(root: Path, folders: list[Path]) -> None:
    """One equal name is no sign: each class may keep its photographs in `images`."""
    inside = {path: {folder.name.casefold() for folder in look(path).folders} for path in map(inner, folders)}
    several = {path: names for path, names in inside.items() if len(names) > 1}
    for first, second in combinations(several, 2):
        if len(equal := sorted(several[first] & several[second])) > 1:
            raise DataError(
                f"The folder '{root}' is no set of classes: its sub-folders {some([path.name for path in folders])} "
                f"hold sub-folders of equal names, as {equal[0]} and {equal[1]}; expected one domain with a folder of "
                f"images for each class. Name domains by their paths: 'folder:{first}->folder:{second}'."
            )
