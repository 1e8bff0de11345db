"""Published figures, read from YAML files. A file is one table of one paper; every figure says where it was read."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tlx.data.task_names import parse, task_name
from tlx.errors import DataError, nearest
from tlx.runs.convert import convert, convert_fields

if TYPE_CHECKING:
    from tlx.plugins import Registry

EXTERNAL = ("methods", "protocols", "networks", "selections")
KEYS = ("paper", "table", "source", "note", "defaults", "external", "rows")


@dataclasses.dataclass(frozen=True)
class Figure:
    """One published number: accuracy on the target in percent, or another `metric`, and what it was measured on.

    `method`, `protocol`, `selection` and `network` are names of tlx's registry, or names that the file lists as
    external. `label` is the method's name in the paper; `variant` tells apart rows of one method (an augmentation, an
    input normalisation). `metric` is a name of `Result.values` ("os", "mean_per_class"), "" for the main one. `spread`
    is the paper's own +-, whatever it is of; `n` how many runs; `seeds` their values, where they are printed. None: it
    is not said.

    `provenance`: "P", the paper's own text; "R", the method's own repository; "2nd", copied in another paper's or
    repository's table; "re-run", a third party's run.
    """

    task: str
    method: str
    value: float
    protocol: str
    selection: str
    network: str
    provenance: Literal["P", "R", "2nd", "re-run"]
    label: str = ""
    variant: str = ""
    metric: str = ""
    spread: float | None = None
    n: int | None = None
    seeds: tuple[float, ...] = ()
    mean_of: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Literature:
    """A published table. `external` describes, by kind, the names that are none of tlx's."""

    paper: str
    table: str
    source: str
    figures: tuple[Figure, ...]
    external: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    note: str = ""


FIELDS = {field.name: field.default for field in dataclasses.fields(Figure)}
ABSENT = {name: default for name, default in FIELDS.items() if default is not dataclasses.MISSING}


def read(path: str | Path) -> Literature:
    """The published table of a YAML file: `paper`, `table`, `source`, `rows`, and `defaults` of fields of the rows.

    A row whose `task` is a list is the mean over these tasks, and gives a figure for each; one that is named with its
    protocol ("a->b@P") has that.

    Raises:
        DataError: it cannot be read, lacks a key, or a row is no figure: wrong type, a value outside 0..100, a task
            that is none or not in normal form, a row that comes twice.
    """
    import yaml

    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: it cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not {"paper", "table", "source", "rows"} <= content.keys() <= {*KEYS}:
        got = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise DataError(f"{path}: it holds {got}; expected paper, table, source and rows, of {', '.join(KEYS)}.")
    try:
        texts = {key: convert(content.get(key, ""), str, key).strip() for key in ("paper", "table", "source", "note")}
        external = convert(content.get("external", {}), dict[str, dict[str, str]], "external")
        rows = convert(content["rows"], list[dict[str, Any]], "rows")
        defaults = convert(content.get("defaults", {}), dict[str, Any], "defaults")
        if odd := sorted(external.keys() - {*EXTERNAL}):
            raise ValueError(f"external has {', '.join(odd)}; expected some of {', '.join(EXTERNAL)}")
        figures = tuple(
            figure for index, row in enumerate(rows) for figure in _figures({**defaults, **row}, f"rows[{index}]")
        )
        _check_unique(figures)
    except (ValueError, DataError) as error:
        raise DataError(f"{path}: {error}") from error
    return Literature(figures=figures, external=external, **texts)


def unknown(literature: Literature, registry: "Registry") -> list[str]:
    """The names in a table that are neither registered nor said to be external, a line each."""
    kinds = {"methods": "strategies", "protocols": "protocols", "networks": "backbones", "selections": "selectors"}
    lines = []
    for kind, registered in kinds.items():
        known = {entry.name for entry in registry.entries(registered)} | literature.external.get(kind, {}).keys()
        for name in sorted({getattr(figure, kind.removesuffix("s")) for figure in literature.figures}):
            if kind == "protocols":
                name = name.partition("/")[0]  # before its shots
            if set(name.split("+") if kind == "methods" else [name]) <= known:  # a composed strategy, by its parts
                continue
            guess = " or ".join(nearest(name, known)) or "none near"
            lines.append(
                f"{kind.removesuffix('s')} '{name}' is not registered and not under external; nearest: {guess}"
            )
    return lines


def _figures(fields: dict[str, Any], where: str) -> list[Figure]:
    """The figure of a row; of a mean, one for each of its tasks."""
    if not isinstance(names := fields.get("task"), list):
        return [_figure(fields, where)]
    if len(names) < 2:
        raise ValueError(f"{where}: a mean over {names}; expected two tasks or more, or one that is in no list")
    shared = convert(fields.get("protocol", ""), str, f"{where}.protocol")
    parts = [parse(name) for name in convert(names, list[str], f"{where}.task")]
    own = [{"task": str(part._replace(protocol=None)), "protocol": part.protocol or shared} for part in parts]
    mean_of = ["{task}@{protocol}".format(**part) for part in own]
    return [_figure({**fields, **part, "mean_of": mean_of}, where) for part in own]


def _figure(fields: dict[str, Any], where: str) -> Figure:
    if odd := sorted(map(str, fields.keys() - FIELDS.keys())):
        guess = ", ".join(nearest(odd[0], FIELDS)) or ", ".join(FIELDS)
        raise ValueError(f"{where}: unknown key '{odd[0]}'; nearest: {guess}")
    figure = convert_fields({**ABSENT, **fields}, Figure, where)
    for value in (figure.value, *figure.seeds):
        if not 0 <= value <= 100:
            raise ValueError(f"{where}: an accuracy of {value}; expected 0 to 100")
    if (figure.spread or 0) < 0 or (figure.n is not None and figure.n < 1):
        raise ValueError(f"{where}: spread {figure.spread} and n {figure.n}; expected 0 or more, and 1 or more")
    if task_name(figure.task) != figure.task:
        raise ValueError(f"{where}: task '{figure.task}'; expected its normal form, '{task_name(figure.task)}'")
    return figure


def _check_unique(figures: tuple[Figure, ...]) -> None:
    seen = set()
    for figure in figures:
        key = (figure.task, figure.method, figure.variant, figure.metric, figure.protocol, figure.mean_of)
        if key in seen:
            raise ValueError(f"{figure.task} {figure.method} comes twice under {figure.protocol}; expected a `variant`")
        seen.add(key)
