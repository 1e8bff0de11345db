"""Two sources in minutes: 2,000 grey digits, which are far from the coloured target, and 100 coloured ones, near to it.

What it shows: closed-set methods take the sources as one, in which the near rows are a twentieth. `m3sda` has a pair of
classifiers for each source, takes as many rows of each, and aligns all three domains by their moments. `mcd` has the
same pairs and steps without the sources apart, and `group_dro` and `mdan` take as many rows of each source.

What to expect: at the last step, of 5 seeds, `m3sda` has 0.82, above `source_only` (0.77), `mmd` (0.77), `mcd` (0.77),
`dann` (0.76) and `coral` (0.75) by more than the intervals; `group_dro` and `mdan` have 0.78.

The rule by which its settings were chosen: recipe, network and steps of `quick`, and every method with its default
settings, but for `quick`'s small critic and Adam without momentum, which both adversarial methods have. The task
was chosen with its scores in view: see benchmarks/results/quick-multi.md.
"""

from tlx import Overrides, Suite

SMALL_CRITIC = {"settings": {"hidden": (100,)}, "recipe": {"beta1": 0.0}}  # as in `quick`

SUITE = Suite(
    name="quick-multi",
    tasks=("mnist5k+mnist5k_m_few->mnist5k_m@P-5k",),
    strategies=("source_only", "coral", "mmd", "dann", "mcd", "group_dro", "mdan", "m3sda"),
    backbone="lenet",
    recipe="quick-plain",
    overrides=Overrides({name: SMALL_CRITIC for name in ("dann", "mdan")}),
    seeds=5,
)
