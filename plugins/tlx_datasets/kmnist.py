"""Cursive Japanese characters, Kuzushiji-MNIST: 28x28 grey, 60,000 train and 10,000 test rows, ten classes.

Reference: Clanuwat, Bober-Irizar, Kitamoto, Lamb, Yamamoto, Ha, "Deep learning for classical Japanese literature",
arXiv:1812.01718, 2018.
"""

from tlx.store import Prepared
from tlx_datasets import idx, tfds

CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
FILES = idx.files(
    ("http://codh.rois.ac.jp/kmnist/dataset/kmnist",),
    (
        ("51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4", 18165135),
        ("e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", 29497),
        ("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", 3041136),
        ("20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", 5120),
    ),
)

build = idx.builder("kmnist", CLASSES)
kmnist = Prepared(
    "kmnist",
    build,
    FILES,
    source="ROIS-DS Center for Open Data in the Humanities: http://codh.rois.ac.jp/kmnist",
    licence="CC BY-SA 4.0",
    ready=lambda: tfds.ready("kmnist", "kmnist"),
)
