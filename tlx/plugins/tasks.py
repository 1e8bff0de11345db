"""From a task's name to the task: a registered one, one under another protocol, or one between any two datasets."""

from typing import TYPE_CHECKING

from tlx.data.task_names import ARROW, parse
from tlx.errors import DataError, PluginError, UnknownName, nearest

if TYPE_CHECKING:
    from tlx.data.shift import Task
    from tlx.data.task_names import TaskName
    from tlx.plugins.registry import Registry

DEFAULT = "P-full-off"  # the protocol of tasks that no plugin registers: the datasets' own splits


def find_task(registry: "Registry", text: str) -> "Task":
    """The task that a name asks for: "mnist->usps", "mnist->usps@P-2000/10", of two targets "mnist->usps->optdigits".

    Without a protocol, a registered task comes with its own; any other registered datasets make a task under
    `DEFAULT`. "office_caltech10:dslr", one dataset by a registered prefix, is a task without a source. With shots, the
    protocol is that of the task without shots, with so many labelled rows.

    Raises:
        DataError: the name holds an arrow and is malformed, or nothing registered is near to it.
        UnknownName: no such dataset or protocol; where a registered task has a name near to it, that is the guess.
        PluginError: the plugin that holds the name is broken there.
    """
    from tlx.data.shift import Task  # what only lists names does without its classes

    try:
        name = parse(text)
    except DataError:
        if ARROW.search(text) or not nearest(text, [entry.name for entry in registry.entries("tasks")]):
            raise
        return registry.entry("tasks", text).load()  # which raises: it is unknown, and has nearest names
    known = {entry.name for entry in registry.entries("datasets")}
    if not ARROW.search(text) and name.sources and f"{name.sources[0]}:" in known - set(name.sources):
        # "office_caltech10:dslr" looks like a shift between two, and is one dataset with a prefix.
        name = parse(f"->{text}")
    name = _as_registered(registry, name)
    registered = {entry.name for entry in registry.entries("tasks")}
    plain = name._replace(protocol=None)
    bare = plain._replace(shots=None)
    for known in (str(plain), str(bare)):
        if known not in registered:
            continue
        task: Task = registry.entry("tasks", known).load()
        own = task.protocol
        if known == str(plain) and name.protocol in (None, own.id, own.id.removesuffix(f"/{own.shots}")):
            return task
        if name.shots and name.protocol in (None, own.id):
            return Task(task.sources, task.targets, own.with_shots(name.shots), task.summary)
    _check_datasets(registry, plain)
    wanted = name.protocol or DEFAULT
    protocol = registry.get("protocols", wanted)
    if protocol.id != wanted:  # a result could not be run again by what it says
        raise PluginError(f"protocol '{wanted}' is registered with the id '{protocol.id}'; expected one name.")
    return Task(name.sources, name.targets, protocol.with_shots(name.shots) if name.shots else protocol)


def _as_registered(registry: "Registry", task: "TaskName") -> "TaskName":
    """The task by the names that its datasets are registered by: "SVHN->mnist" is "svhn_cropped->mnist"."""

    def named(dataset: str) -> str:
        try:
            return registry.entry("datasets", dataset).name
        except (UnknownName, PluginError):
            return dataset  # what is wrong with it is said later

    sources, targets = (tuple(map(named, names)) for names in (task.sources, task.targets))
    return parse(str(task._replace(sources=sources, targets=targets)))


def _check_datasets(registry: "Registry", task: "TaskName") -> None:
    for name in (*task.sources, *task.targets):
        try:
            registry.entry("datasets", name)
        except UnknownName as absent:
            try:
                registry.entry("tasks", str(task))  # raises: it is unknown, or its plugin is broken there
            except UnknownName as unknown:
                # few registered tasks have several targets: the name that is wrong says more than the nearest task
                meant = len(task.targets) == 1 and nearest(str(task), unknown.known)
                raise (unknown if meant else absent) from None
