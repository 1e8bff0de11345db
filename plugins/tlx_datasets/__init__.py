"""Digits from data that installed packages carry, and the tasks between them: nothing is downloaded."""

from tlx import hookimpl


@hookimpl
def tlx_datasets(register):
    """Registers the three datasets; each is read when it is first asked for."""
    register("mnist5k", "tlx_datasets.mnist5k:load")
    register("mnist5k_m", "tlx_datasets.mnist5k_m:load")
    register("optdigits", "tlx_datasets.optdigits:load")


@hookimpl
def tlx_tasks(register):
    """Registers the tasks; a task is a few names, so it is registered as it is."""
    from tlx_datasets.tasks import TASKS

    for task in TASKS:
        register(task.name, task, summary=task.summary)
