"""KL-guided adaptation on its paper's network: RotatedMNIST, and MNIST, USPS, SVHN.

What it reproduces: both tables of Nguyen et al., "KL Guided Domain Adaptation" (ICLR 2022): `tlx reproduce
kl-rotated-mnist` and `tlx reproduce kl-digits`. Four convolutions with group norm, and `kl` on the last layer's two
halves, mu and sigma, without a further layer. Optimizer, batch sizes and weights are those of the code (the paper's
text has 0.3 and 0.1): 100 epochs of the source, Adam 1e-3, 64 a batch, `kl` 256. Protocol P-KL.

What to expect: the baselines are tlx's own methods under that recipe, not the paper's implementations of them.

What it costs (estimated): the network takes about 1 GFLOP an image and step: minutes a run on an accelerator, out of
reach of a CPU. The short suites are an ablation for one: 2,000 steps of 128 images on LeNet, half a minute a seed.
"""

from dataclasses import replace

from tlx import Overrides, Suite

BASELINES = ("source_only", "dann", "mmd", "coral", "wdgrl")

ROTATED = Suite(
    name="kl-rotated-mnist",
    tasks=tuple(f"rotated_mnist:0->rotated_mnist:{angle}" for angle in (15, 30, 45, 60, 75)),
    strategies=(*BASELINES, "kl"),
    backbone="kl_net",
    recipe="kl-rotated",
    overrides=Overrides(
        {
            "kl": {
                "backbone": "kl_net_probabilistic",
                "settings": {"beta": 0.2, "beta_aux": 0.2, "width": 0},
                "recipe": {"batch": 256, "steps": 3_700},
            }
        }
    ),
    seeds=3,
)

DIGITS = Suite(
    name="kl-digits",
    tasks=("mnist->usps@P-KL", "usps->mnist@P-KL", "svhn_cropped->mnist@P-KL"),
    strategies=(*BASELINES, "kl"),
    backbone="kl_net",
    recipe="kl-rotated",
    overrides=Overrides(
        {
            "kl": {
                "backbone": "kl_net_probabilistic",
                "settings": {"beta": 0.1, "beta_aux": 0.1, "width": 0},
                "recipe": {"batch": 256},
            },
            "mnist->usps@P-KL": {"recipe": {"steps": 87_500}},
            "usps->mnist@P-KL": {"recipe": {"steps": 11_600}},
            "svhn_cropped->mnist@P-KL": {"recipe": {"steps": 124_100}},
            "mnist->usps@P-KL kl": {"recipe": {"steps": 21_900}},
            "usps->mnist@P-KL kl": {"recipe": {"steps": 2_900}},
            "svhn_cropped->mnist@P-KL kl": {
                "recipe": {"steps": 31_000},
                "settings": {"beta": 0.055, "beta_aux": 0.055},
            },
        }
    ),
    seeds=3,
)


def _short(suite: Suite) -> Suite:
    """On LeNet under one short recipe, with `kl` on a layer of its own, whose weights are those of most tasks."""
    settings = {**suite.overrides["kl"]["settings"], "width": 16}
    overrides = Overrides({"kl": {"settings": settings}})
    return replace(suite, name=f"{suite.name}-short", backbone="lenet", recipe="kl-short", overrides=overrides)


ROTATED_SHORT, DIGITS_SHORT = _short(ROTATED), _short(DIGITS)
