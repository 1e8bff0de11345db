"""The suites and recipes that come with tlx. Each suite is a file that documents itself."""

from tlx import hookimpl


@hookimpl
def tlx_suites(register):
    register("quick", "tlx_suites.quick:SUITE")
    register("smoke", "tlx_suites.smoke:SUITE")
    register("digits", "tlx_suites.digits:SUITE")
    register("digits-short", "tlx_suites.digits:SHORT", "The tasks of `digits` in 1,000 steps: for two CPU cores.")
    register("rotated-mnist", "tlx_suites.rotated_mnist:SUITE")
    register("cifar-stl", "tlx_suites.cifar_stl:SUITE")
    register("cifar10-c", "tlx_suites.cifar10_c:SUITE")
    register("cifar10-transfer", "tlx_suites.cifar10_transfer:SUITE")
    register(
        "cifar10-transfer-reduced", "tlx_suites.cifar10_transfer:REDUCED", "1,000 and 5,000 labels on two CPU cores."
    )
    register(
        "cifar10-transfer-all", "tlx_suites.cifar10_transfer:ALL", "The linear probe on all 50,000 labels, one seed."
    )
    register("cifar10-transfer-smoke", "tlx_suites.cifar10_transfer:SMOKE", "A few steps on 100 labels of CIFAR-10.")
    register("cifar10-source", "tlx_suites.cifar10_source:SUITE")
    for name in ("digits", "rotated-mnist", "cifar-stl", "cifar10-c", "cifar10-source"):
        target = f"tlx_suites.{name.replace('-', '_')}:SMOKE"
        register(f"{name}-smoke", target, f"A few steps on tasks of `{name}`: whether data and protocols fit together.")


@hookimpl
def tlx_recipes(register):
    register("default", "tlx_suites.recipes:DEFAULT", "SGD with Nesterov momentum, annealed as for DANN.")
    register("quick", "tlx_suites.recipes:QUICK", "Short training of a small net on digits, for two CPU cores.")
    register("smoke", "tlx_suites.recipes:SMOKE", "A few steps, to see that all parts work together.")
    register("tllib-digits", "tlx_suites.recipes:TLLIB_DIGITS", "TLLib's digits scripts: 50,000 steps of 128 images.")
    register("digits-short", "tlx_suites.recipes:DIGITS_SHORT", "TLLib's optimizer for 1,000 steps of 64 images.")
    register("kl-rotated", "tlx_suites.recipes:KL_ROTATED", "The code of KL-guided adaptation: Adam, 100 epochs.")
    register("dirt-t", "tlx_suites.recipes:DIRT_T", "VADA and DIRT-T: Adam with beta1 0.5, 80,000 steps.")
    register("wrn-cifar", "tlx_suites.recipes:WRN_CIFAR", "Wide residual networks on CIFAR-10: SGD, 200 epochs.")
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
