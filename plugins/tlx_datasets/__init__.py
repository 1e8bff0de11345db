"""The field's image sets, downloaded once and cached; three digit sets that installed packages carry; their tasks."""

from tlx import hookimpl


@hookimpl
def tlx_datasets(register):
    """Registers the datasets; each is read when it is first asked for."""
    register("mnist5k", "tlx_datasets.mnist5k:load")
    register("mnist5k_m", "tlx_datasets.mnist5k_m:load")
    register("mnist5k_m_few", "tlx_datasets.mnist5k_m:few")
    register("mnist5k_fifth", "tlx_datasets.mnist5k_parts:fifth")
    register("mnist5k_rest", "tlx_datasets.mnist5k_parts:rest")
    register("optdigits", "tlx_datasets.optdigits:load")
    register("mnist", "tlx_datasets.mnist:mnist")
    register("fashion_mnist", "tlx_datasets.fashion_mnist:fashion_mnist")
    register("kmnist", "tlx_datasets.kmnist:kmnist")
    register("emnist_digits", "tlx_datasets.emnist_digits:emnist_digits")
    register("svhn_cropped", "tlx_datasets.svhn_cropped:svhn_cropped", also=("SVHN",))
    register("cifar10", "tlx_datasets.cifar10:cifar10")
    register("cifar100", "tlx_datasets.cifar100:cifar100")
    register("stl10", "tlx_datasets.stl10:stl10")
    register("usps", "tlx_datasets.usps:usps")
    register("usps_28x28", "tlx_datasets.usps_28x28:usps_28x28")
    register("usps_as_filed", "tlx_datasets.usps_as_filed:usps_as_filed")
    register("mnist_as_filed", "tlx_datasets.mnist_as_filed:mnist_as_filed")
    register("mnist_16x16", "tlx_datasets.mnist_16x16:mnist_16x16")
    register("mnist_m", "tlx_datasets.mnist_m:mnist_m")
    register("syn_digits", "tlx_datasets.syn_digits:syn_digits")
    register("font_digits", "tlx_datasets.font_digits:font_digits")
    register("chars74k_fnt", "tlx_datasets.chars74k:chars74k_fnt", "Digits of computer fonts: 32x32 grey")
    register("chars74k_img", "tlx_datasets.chars74k:chars74k_img", "Digits of natural photographs: 32x32 RGB")
    register("rotated_mnist:", "tlx_datasets.rotated_mnist:load")
    register("colored_mnist:", "tlx_datasets.colored_mnist:load")
    register("cifar10_c:", "tlx_datasets.cifar10_c:load")
    register("cifar10_corrupted:", "tlx_datasets.cifar10_corrupted:load")
    register("office_caltech10:", "tlx_datasets.office_caltech10:load")
    register("features:", "tlx_datasets.features:load")
    register("folder:", "tlx_datasets.folder:load")
    register("hfdisk:", "tlx_datasets.hfdisk:load")
    register("table:", "tlx_datasets.table:load")
    register("tfds:", "tlx_datasets.tfds:load")


@hookimpl
def tlx_protocols(register):
    """Registers the protocols; each is a few words, so it is registered as it is."""
    from tlx_datasets.protocols import PROTOCOLS

    for protocol in PROTOCOLS:
        register(protocol.id, protocol, summary=protocol.summary)


@hookimpl
def tlx_tasks(register):
    """Registers the tasks; a task is a few names, so it is registered as it is."""
    from tlx_datasets.tasks import TASKS

    for task in TASKS:
        register(task.name, task, summary=f"{task.protocol.id}: {task.summary}")
