"""The field's image sets, downloaded once and cached; three digit sets that installed packages carry; their tasks."""

from tlx import hookimpl


@hookimpl
def tlx_datasets(register):
    """Registers the datasets; each is read when it is first asked for."""
    register("mnist5k", "tlx_datasets.mnist5k:load")
    register("mnist5k_m", "tlx_datasets.mnist5k_m:load")
    register("optdigits", "tlx_datasets.optdigits:load")
    register("mnist", "tlx_datasets.mnist:mnist")
    register("fashion_mnist", "tlx_datasets.fashion_mnist:fashion_mnist")
    register("kmnist", "tlx_datasets.kmnist:kmnist")
    register("emnist_digits", "tlx_datasets.emnist_digits:emnist_digits")
    register("svhn_cropped", "tlx_datasets.svhn_cropped:svhn_cropped")
    register("cifar10", "tlx_datasets.cifar10:cifar10")
    register("cifar100", "tlx_datasets.cifar100:cifar100")
    register("stl10", "tlx_datasets.stl10:stl10")
    register("tfds:", "tlx_datasets.tfds:load")


@hookimpl
def tlx_tasks(register):
    """Registers the tasks; a task is a few names, so it is registered as it is."""
    from tlx_datasets.tasks import TASKS

    for task in TASKS:
        register(task.name, task, summary=task.summary)
