"""A sweep, and what each selector would have chosen.

Shows: a setting has to be chosen without labels of the target. A sweep runs a method with several values. Then it says
which value each selector would take, what that scores on the target, and how far it is below the best.

Takes: one to three minutes on two free cores.
"""

# `mmd` adds the distance of the two domains' features, times `weight`. Four weights, two seeds of each.
import tlx

results = tlx.sweep("mnist5k->optdigits", "mmd", {"weight": [0.01, 0.1, 1.0, 10.0]}, recipe="quick-plain", seeds=2)
for result in results:
    print(dict(result.spec.settings)["weight"], [f"{accuracy:.3f}" for accuracy in result.accuracy("last")])

# A selector gives each evaluation a score, most of them without a label of the target. The first table says how good
# the selectors were on these runs: `picked` is the accuracy where a selector picks, `below best` is what that lacks to
# the best evaluation of the run. The last table says which weight each would take.
from tlx.report import render

print(render(results, selectors=True, width=110))

# `oracle` reads the labels of the target's test rows. It is the bound, and no choice that you could make.
#
# With a weight of 10 the network has collapsed: it gives all rows to one class. Most selectors avoid it. Two of them,
# `mixval` and `snd`, would have taken it, as its predictions on the target look consistent. No selector is always
# right: look at what it takes.
