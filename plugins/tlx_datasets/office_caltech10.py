"""Office-Caltech-10: photographs of ten kinds of office things in four domains, RGB at 224x224.

Reference: Gong, Shi, Sha, Grauman, "Geodesic flow kernel for unsupervised domain adaptation", CVPR 2012; of Office-31
(Saenko et al., ECCV 2010) and Caltech-256 (Griffin et al. 2007).
"""

import hashlib
import shutil
from pathlib import Path

from tlx import DataAbsent, DataError, nearest
from tlx.data import Dataset
from tlx.store import Prepared, Ready
from tlx_datasets.folder import build as build_folder
from tlx_datasets.folder_files import is_left, some
from tlx_datasets.names import OFFICE_DOMAINS

NAME = "office_caltech10"
COUNTS: dict[str, int] = dict(zip(OFFICE_DOMAINS, (958, 1123, 157, 295), strict=True))
CLASSES = (
    *("backpack", "bike", "calculator", "headphones", "keyboard"),
    *("laptop", "monitor", "mouse", "mug", "projector"),
)
FOLDERS = {"amazon": ("amazon",), "caltech": ("caltech", "caltech10"), "dslr": ("dslr",), "webcam": ("webcam",)}
SOURCE = "https://github.com/redhat12345/OfficeCaltechDomainAdaptation"


def load(domain: str) -> Prepared:
    """A domain of Office-Caltech-10, `office_caltech10:amazon` (or caltech, dslr, webcam): ten classes, RGB 224x224.

    958, 1,123, 157 and 295 photographs. The set goes round as folders domain/class/file.jpg under several encodings, on
    hosts that promise no bytes, so it is taken from such folders and known by its classes and counts:
    `tlx data prepare office_caltech10:amazon --from DIR` looks in DIR for a folder with the four domains.

    Of each image the short side is scaled to 224 and the middle cropped. A row's origin is the hash of its file. There
    is no official split: a fifth of each class is test, as in `folder:`; the protocol P-OC10 joins the two.

    Raises:
        DataError: no such domain; classes or counts other than the set's; an entry that cannot be copied.
        DataAbsent: it is not on this machine.
    """
    if domain not in COUNTS:
        guess = " or ".join(nearest(domain, COUNTS)) or ", ".join(COUNTS)
        raise DataError(f"Office-Caltech-10 has no domain '{domain}'; nearest: {guess}.")
    name = f"{NAME}:{domain}"
    prepared = Prepared(
        name,
        lambda folder: _absent(name, folder),
        source=SOURCE,
        licence="research use",
        raw=NAME,
        ready=lambda: _ready(name, prepared.folder, domain),
        take=lambda given, folder: _take(given, folder, domain),
    )
    return prepared


def build(name: str, root: Path, domain: str) -> Dataset:
    """The domain from its folder of classes. Raises DataError where classes or counts are not the set's."""
    dataset = build_folder(name, root)
    rows = len(dataset.train.y) + len(dataset.test.y)
    if dataset.classes != CLASSES:
        raise DataError(f"{root}: the classes are {', '.join(dataset.classes)}; expected {', '.join(CLASSES)}.")
    if rows != COUNTS[domain]:
        raise DataError(f"{root}: {rows} different photographs; expected {COUNTS[domain]}.")
    return dataset


def _ready(name: str, folder: Path, domain: str) -> Ready | None:
    """Keyed by what is in the files, so that a copy is the same set."""
    root = folder / domain
    if not root.is_dir():
        return None
    digest = hashlib.sha256()
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        digest.update(f"\0{file.relative_to(root)}\0".encode())
        digest.update(file.read_bytes())
    return Ready(digest.hexdigest(), root, lambda: build(name, root, domain))


def _take(given: Path, folder: Path, domain: str) -> None:
    """Copies the domain's folder, wherever it lies in `given`, whole or not at all."""
    for root in sorted(path for path in [given, *given.rglob("*")] if path.is_dir()):
        own = next((root / name for name in FOLDERS[domain] if _is_domain(root / name)), None)
        if own is not None and all(any(_is_domain(root / name) for name in names) for names in FOLDERS.values()):
            beside = folder / f"{domain}.copy"
            shutil.rmtree(beside, ignore_errors=True)
            _copy(own, beside)
            beside.rename(folder / domain)
            return


def _copy(own: Path, beside: Path) -> None:
    try:
        shutil.copytree(own, beside, copy_function=shutil.copyfile, ignore=lambda _, names: set(filter(is_left, names)))
    except shutil.Error as error:
        wrong = some([f"{source} ({reason})" for source, _, reason in error.args[0]])
        raise DataError(f"The folder '{own}' cannot be copied: {wrong}; expected images. Remove them.") from error


def _is_domain(root: Path) -> bool:
    return all((root / name).is_dir() for name in CLASSES)


def _absent(name: str, folder: Path) -> Dataset:
    raise DataAbsent(
        f"Office-Caltech-10 is not in {folder}, and no host offers it in a form that could be checked. By hand: get "
        f"the photographs as folders domain/class/file.jpg ({SOURCE}), and: tlx data prepare '{name}' --from DIR"
    )
