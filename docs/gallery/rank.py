"""Which source? Ranking before training.

Shows: transferability scores say from which source a network would transfer best to a target. They take seconds, and
train nothing but linear models. Afterwards the networks are trained, to see whether the scores were right.

Takes: one to three minutes on two free cores.
"""

# The target is optdigits. Its train labels are used by some scores, so this is for a target of which some rows are
# labelled. Three sources: MNIST in grey, MNIST over photographs, and a fifth of the first. The features are those of a
# network with random weights, as none is pretrained here.
import tlx

lab = tlx.Lab()
sources = ["mnist5k", "mnist5k_m", "mnist5k_fifth"]
ranking = lab.rank("optdigits", ["lenet"], sources)
names = ["leep", "nce", "mmd", "a_distance"]
print("source".ljust(14), *(name.rjust(10) for name in names), "mean rank")
for choice in ranking.choices:
    print(choice.source.ljust(14), *(f"{choice.scores[name]:10.3f}" for name in names), f"{choice.rank:9.2f}")

# Higher is better in every score. Now the truth, which costs a training for each source.
for source in sources:
    result = lab.run(
        f"{source}->optdigits", "source_only", backbone="lenet", recipe="quick-plain", seeds=3, out="runs/rank"
    )
    print(source.ljust(14), [f"{accuracy:.3f}" for accuracy in result.accuracy("last")])

# `against` lays the scores beside the accuracies that were obtained, and gives the rank correlation of each (weighted
# Kendall). Over three choices it says little: 1 is all three in order.
ranking = lab.rank("optdigits", ["lenet"], sources, against=["runs/rank"])
print({name: round(ranking.correlations[name], 2) for name in names})
