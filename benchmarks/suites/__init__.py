"""The suites and recipes that come with tlx. Each suite is a file that documents itself."""

from tlx import hookimpl

# the suites of `tlx reproduce`, and where they are
PAPERS = (
    ("shot-digits", "shot_digits", "SUITE"),
    ("shot-digits-short", "shot_digits", "SHORT"),
    ("kl-digits", "kl_paper", "DIGITS"),
    ("kl-digits-short", "kl_paper", "DIGITS_SHORT"),
    ("kl-rotated-mnist", "kl_paper", "ROTATED"),
    ("kl-rotated-mnist-short", "kl_paper", "ROTATED_SHORT"),
    ("dirt-t", "dirt_t", "SUITE"),
    ("dirt-t-plain", "dirt_t", "PLAIN"),
    ("adda-digits", "adda_digits", "SUITE"),
    ("adda-digits-short", "adda_digits", "SHORT"),
    ("few-shot-digits", "few_shot_digits", "SUITE"),
    ("osbp-digits", "osbp_digits", "SUITE"),
    ("osbp-digits-short", "osbp_digits", "SHORT"),
    ("asa-digits", "asa_digits", "SUITE"),
    ("asa-digits-short", "asa_digits", "SHORT"),
    ("asa-digits-squared", "asa_digits", "SQUARED"),
    ("asa-digits-squared-short", "asa_digits", "SQUARED_SHORT"),
    ("iwdan-digits", "iwdan_digits", "SUITE"),
    ("iwdan-digits-short", "iwdan_digits", "SHORT"),
    ("note-cifar10-c", "note_cifar10_c", "SUITE"),
    ("note-cifar10-c-short", "note_cifar10_c", "SHORT"),
    ("note-cifar10-c-star", "note_cifar10_c", "STAR"),
    ("note-cifar10-c-star-short", "note_cifar10_c", "STAR_SHORT"),
    ("rotated-mnist-dg", "rotated_mnist_dg", "SUITE"),
    ("rotated-mnist-dg-short", "rotated_mnist_dg", "SHORT"),
    ("colored-mnist", "colored_mnist", "SUITE"),
    ("colored-mnist-short", "colored_mnist", "SHORT"),
    ("self-ensembling", "self_ensembling", "SUITE"),
    ("self-ensembling-short", "self_ensembling", "SHORT"),
)
SUMMARIES = {
    "shot-digits-short": "The tasks of `shot-digits` in 4,000 steps: for two CPU cores.",
    "kl-digits": "KL-guided adaptation on its paper's network: MNIST, USPS, SVHN.",
    "kl-digits-short": "An ablation of `kl-digits` for a CPU: LeNet, 2,000 steps.",
    "kl-rotated-mnist-short": "An ablation of `kl-rotated-mnist` for a CPU: LeNet, 2,000 steps.",
    "dirt-t-plain": "`dirt-t` without instance-normalised input.",
    "adda-digits-short": "The tasks of `adda-digits` in 2,000 steps: for two CPU cores.",
    "osbp-digits-short": "The tasks of `osbp-digits` in 1,000 steps: for two CPU cores.",
    "asa-digits-short": "The tasks of `asa-digits` in 1,000 steps: for two CPU cores.",
    "asa-digits-squared": "`asa-digits` of squared distances.",
    "asa-digits-squared-short": "`asa-digits-short` of squared distances.",
    "iwdan-digits-short": "The tasks of `iwdan-digits` in 1,000 steps: for two CPU cores.",
    "note-cifar10-c-short": "The streams of `note-cifar10-c` in 2,000 steps and one seed: for an accelerator.",
    "note-cifar10-c-star": "NOTE* of `note-cifar10-c`: TENT with instance-aware batch norm, on i.i.d. streams.",
    "note-cifar10-c-star-short": "The same in 2,000 steps and one seed.",
    "rotated-mnist-dg-short": "The tasks of `rotated-mnist-dg` in 300 small steps: for two CPU cores.",
    "colored-mnist-short": "The tasks of `colored-mnist` in 300 small steps: for two CPU cores.",
    "self-ensembling-short": "The tasks of `self-ensembling` in 2,000 steps.",
}


@hookimpl
def tlx_suites(register):
    """Registers the suites; each is imported when first used."""
    register("quick", "tlx_suites.quick:SUITE")
    register("quick-all", "tlx_suites.quick:ALL", "Every strategy on one small shift, in 400 steps of a small net.")
    register("quick-prior", "tlx_suites.quick_prior:SUITE")
    register("quick-open", "tlx_suites.quick_open:SUITE")
    register("quick-partial", "tlx_suites.quick_partial:SUITE")
    register("quick-multi", "tlx_suites.quick_multi:SUITE")
    register("quick-stream", "tlx_suites.quick_stream:SUITE")
    register("smoke", "tlx_suites.smoke:SUITE")
    register("digits", "tlx_suites.digits:SUITE")
    register("digits-short", "tlx_suites.digits:SHORT", "The first of 20 epochs of `digits`: for two CPU cores.")
    register("cdan-digits", "tlx_suites.cdan_digits:SUITE")
    register("mcd-digits", "tlx_suites.mcd_digits:SUITE")
    register("rotated-mnist", "tlx_suites.rotated_mnist:SUITE")
    register("digits-five", "tlx_suites.digits_five:SUITE")
    register("cifar-stl", "tlx_suites.cifar_stl:SUITE")
    register("cifar10-c", "tlx_suites.cifar10_c:SUITE")
    register("folder", "tlx_suites.folder:SUITE")
    register("office-caltech10", "tlx_suites.office_caltech10:SUITE")
    register("office-caltech10-tuned", "tlx_suites.office_caltech10:TUNED", "On features tuned on each source.")
    register("office-caltech10-multi", "tlx_suites.office_caltech10_multi:SUITE")
    register("cifar10-transfer", "tlx_suites.cifar10_transfer:SUITE")
    register(
        "cifar10-transfer-reduced", "tlx_suites.cifar10_transfer:REDUCED", "1,000 and 5,000 labels on two CPU cores."
    )
    register("cifar10-transfer-probe", "tlx_suites.cifar10_transfer:PROBE", "The linear probe on features at 224x224.")
    register("cifar10-transfer-smoke", "tlx_suites.cifar10_transfer:SMOKE", "A few steps on 100 labels of CIFAR-10.")
    register("cifar10-source", "tlx_suites.cifar10_source:SUITE")
    several = ("digits-five", "rotated-mnist-dg", "colored-mnist")
    for name in ("digits", "rotated-mnist", *several, "cifar-stl", "cifar10-c", "cifar10-source"):
        target = f"tlx_suites.{name.replace('-', '_')}:SMOKE"
        register(f"{name}-smoke", target, f"A few steps on tasks of `{name}`: whether data and protocols fit together.")
    for name, module, budget in PAPERS:
        register(name, f"tlx_suites.{module}:{budget}", SUMMARIES.get(name, ""))


@hookimpl
def tlx_recipes(register):
    """Registers the recipes that suites share."""
    register("default", "tlx_suites.recipes:DEFAULT", "SGD with Nesterov momentum, annealed as for DANN.")
    register("quick", "tlx_suites.recipes:QUICK", "Short training of a small net on digits, for two CPU cores.")
    register("quick-plain", "tlx_suites.recipes:QUICK_PLAIN", "The same by Adam, without a bottleneck of batch norm.")
    register("quick-prior", "tlx_suites.recipes:QUICK_PRIOR", "As `quick`, in 200 steps and without a bottleneck.")
    register("smoke", "tlx_suites.recipes:SMOKE", "A few steps, to see that all parts work together.")
    register("tllib-digits", "tlx_suites.recipes:TLLIB_DIGITS", "TLLib's digits scripts: 50,000 steps of 128 images.")
    register("digits-short", "tlx_suites.recipes:DIGITS_SHORT", "TLLib's optimizer for its first 2,500 steps.")
    register("cdan-digits", "tlx_suites.recipes:CDAN_DIGITS", "CDAN's code: SGD by steps, the adversary's not decayed.")
    register("mcd-digits", "tlx_suites.recipes:MCD_DIGITS", "MCD's code: Adam 2e-4, 200 epochs of 128 images.")
    register("adamatch-digits", "tlx_suites.recipes:ADAMATCH_DIGITS", "AdaMatch on digits: SGD along a cosine.")
    register("domainbed", "tlx_suites.recipes:DOMAINBED", "DomainBed on MNIST: Adam 1e-3, 5,000 steps of 64 a domain.")
    register("domainbed-short", "tlx_suites.recipes:DOMAINBED_SHORT", "The same for 300 steps of 16 a domain.")
    register(
        "m3sda-digits", "tlx_suites.recipes:M3SDA_DIGITS", "M3SDA's code: Adam 2e-4, 20,000 steps of 128 a source."
    )
    register("kl-rotated", "tlx_suites.recipes:KL_ROTATED", "The code of KL-guided adaptation: Adam, 100 epochs.")
    register("dirt-t", "tlx_suites.recipes:DIRT_T", "VADA and DIRT-T: Adam with beta1 0.5, 80,000 steps.")
    register("cached-features", "tlx_suites.recipes:CACHED", "Bottleneck and head on cached features: 300 steps.")
    register("wrn-cifar", "tlx_suites.recipes:WRN_CIFAR", "Wide residual networks on CIFAR-10: SGD, 200 epochs.")
    register("shot-digits", "tlx_suites.paper_recipes:SHOT_DIGITS", "SHOT's digits: SGD, 30 epochs of each domain.")
    register("shot-short", "tlx_suites.paper_recipes:SHOT_SHORT", "SHOT's optimizer for 4,000 steps.")
    register("kl-short", "tlx_suites.paper_recipes:KL_SHORT", "Adam 1e-3 for 2,000 steps of 128 images.")
    register("adda-digits", "tlx_suites.paper_recipes:ADDA_DIGITS", "ADDA's script: Adam, 10,000 steps a phase.")
    register("adda-short", "tlx_suites.paper_recipes:ADDA_SHORT", "ADDA's optimizer for 2,000 steps of 64 images.")
    register("few-shot-digits", "tlx_suites.few_shot_digits:FEW_SHOT_DIGITS", "DAGE's code on digits: Keras' Adam.")
    register("osbp-digits", "tlx_suites.paper_recipes:OSBP_DIGITS", "The public code of OSBP: SGD, 200 epochs.")
    register("osbp-short", "tlx_suites.paper_recipes:OSBP_SHORT", "The same for 1,000 steps.")
    register("asa-digits", "tlx_suites.paper_recipes:ASA_DIGITS", "Adversarial support alignment: SGD, 65,000 steps.")
    register("asa-short", "tlx_suites.paper_recipes:ASA_SHORT", "The same for 1,000 steps.")
    register("iwdan-digits", "tlx_suites.paper_recipes:IWDAN_DIGITS", "IWDAN's code on digits: SGD, 70 epochs.")
    register("iwdan-short", "tlx_suites.paper_recipes:IWDAN_SHORT", "The same for 1,000 steps.")
    register("note-cifar10", "tlx_suites.paper_recipes:NOTE_CIFAR10", "NOTE's CIFAR-10: SGD, 200 epochs; then Adam.")
    register("note-short", "tlx_suites.paper_recipes:NOTE_SHORT", "The same for 2,000 steps.")
    register("french-digits", "tlx_suites.paper_recipes:FRENCH_DIGITS", "Self-ensembling's digits: Adam, 300 epochs.")
    register("french-short", "tlx_suites.paper_recipes:FRENCH_SHORT", "Self-ensembling's optimizer for 2,000 steps.")
    for name, summary in (
        ("resnet18", "ResNet-18 at 224: SGD 0.001, momentum 0.9, a tenth every 7 of 25 epochs."),
        ("vgg16", "Flattened VGG-16 under Dense 1024: SGD with Nesterov momentum 1e-4, Keras' decay."),
    ):
        register(f"{name}-transfer", f"tlx_suites.transfer_recipes:{name.upper()}", summary)
    register(
        "bit-hyperrule", "tlx_suites.transfer_recipes:BIT", "BiT-HyperRule, 20,000 to 500,000 labels: 10,000 steps."
    )
    register("bit-hyperrule-small", "tlx_suites.transfer_recipes:BIT_SMALL", "BiT-HyperRule, fewer labels: 500 steps.")
    register("simclr-linear", "tlx_suites.transfer_recipes:SIMCLR_LINEAR", "A linear probe on frozen features, L-BFGS.")
    register("simclr-finetune", "tlx_suites.transfer_recipes:SIMCLR_FINETUNE", "SimCLR's fine-tuning: 20,000 steps.")
    register("finetune-short", "tlx_suites.transfer_recipes:FINETUNE_SHORT", "150 steps of it, on few photographs.")
