"""Articles of clothing, Fashion-MNIST: 28x28 grey, 60,000 train and 10,000 test rows, ten classes.

Reference: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms",
arXiv:1708.07747, 2017.
"""

from tlx.store import Prepared
from tlx_datasets import idx, tfds

CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
FILES = idx.files(
    (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    ),
    (
        ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880),
        ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515),
        ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102),
        ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148),
    ),
)

build = idx.builder("fashion_mnist", CLASSES)
fashion_mnist = Prepared(
    "fashion_mnist",
    build,
    FILES,
    source="Zalando Research: https://github.com/zalandoresearch/fashion-mnist",
    licence="MIT",
    ready=lambda: tfds.ready("fashion_mnist", "fashion_mnist"),
)
