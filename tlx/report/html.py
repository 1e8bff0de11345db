"""One HTML page that holds all of a report: it needs no network, no server and no other file."""

import base64
import html
import io
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from string import Template
from typing import Any

import numpy as np

from tlx.counted import counted
from tlx.report import terminal
from tlx.report.cells import Cell
from tlx.report.headings import Column, headings
from tlx.report.matrix import column_of, matrix
from tlx.report.selectors import comparisons
from tlx.report.tables import caption, rank, row_name, tables
from tlx.runs.convert import as_text
from tlx.runs.result import Result
from tlx.runs.store import Store

SCRIPTS = ("draw.js", "figures.js", "compare.js", "main.js")
LARGEST = 64  # pixels of an example image's side

Published = Callable[[Sequence[Result]], Mapping[str, Sequence[Mapping[str, Any]]]]


def render(
    results: Sequence[Result],
    every: Sequence[Cell],
    store: Store | None = None,
    title: str = "tlx results",
    published: Published | None = None,
) -> str:
    """The page on results and their cells; of runs that have them in `store`, with embeddings and example images.

    `published` finds the published figures that the runs stand for, by their hashes: `tlx.reproduce.published`.
    """
    heads, _, numbered = headings(list(dict.fromkeys(map(column_of, every))))
    figures = published(results) if published else {}
    policies = _policies(every)
    shown = {
        "columns": [{"name": _arrow(_title(*column)), "short": _arrow(short)} for column, short in heads.items()],
        "numbered": numbered,
        "runs": _runs(results, every, list(heads), figures, store),
        "policies": policies,
        "matrices": {policy["name"]: _matrix(every, policy["name"], list(heads)) for policy in policies},
        "comparisons": [
            {**item, "group": _arrow(_title(item["task"], item["protocol"], item["backbone"]))}
            for item in comparisons(results)
        ],
        "measured": " ".join(dict.fromkeys(map(_caption, every))),
    }
    # "<" would let a name end the script element; in JSON it may be written so
    text = json.dumps(shown, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return Template(_part("page.html")).substitute(
        title=html.escape(title),
        summary=html.escape(_summary(results)),
        style=_part("page.css"),
        script="\n".join(map(_part, SCRIPTS)),
        plain=html.escape(terminal.render(tables(every), width=110)),
        data=text,
    )


def _caption(cell: Cell) -> str:
    return f"{caption(cell, 'n')}; gain over {cell['baseline']}." if cell["metric"] else f"{caption(cell)}."


def _part(name: str) -> str:
    return resources.files("tlx.report").joinpath("page", name).read_text(encoding="utf-8")


def _summary(results: Sequence[Result]) -> str:
    done = [result for result in results if result.finished]
    tasks = len({(result.spec.task, result.spec.protocol, result.spec.backbone) for result in results})
    devices = sorted({result.environment.device or "unknown" for result in done})
    versions = sorted({result.environment.versions.get("tlx", "unknown") for result in done})
    counts = f"{counted(len(done), 'finished run')} of {len(results):,}, {counted(tasks, 'task')}"
    return f"{counts}; device: {' and '.join(devices) or 'none'}; tlx {', '.join(versions) or 'unknown'}"


def _title(task: str, protocol: str, backbone: str) -> str:
    """What is compared: a task under a protocol, on a backbone."""
    return f"{task} ({protocol}, {backbone})"


def _arrow(name: str) -> str:
    return name.replace("->", " → ")


def _policies(every: Sequence[Cell]) -> list[dict[str, Any]]:
    labels = {cell["selection"]: False for cell in every}
    for cell in every:
        labels[cell["selection"]] |= cell["uses_target_labels"]
    return [{"name": name, "labels": labels[name]} for name in sorted(labels, key=lambda name: rank(name, every))]


def _matrix(every: Sequence[Cell], policy: str, columns: Sequence[Column]) -> dict[str, Any]:
    """The matrix of a policy: `shown` has the places of its columns, and a row a run, or none, for each of these."""
    made = matrix(every, policy)
    shown = [columns.index(column) for column in made.headings]
    rows = [
        {
            "name": name,
            "runs": [_id(own[column]["hash"]) if column in own else None for column in made.headings],
            "average": average._asdict() if (average := made.averages.get(name)) else None,
        }
        for name, own in made.rows.items()
    ]
    ranks = made.ranking and {**made.ranking._asdict(), "tasks": len(made.shared)}
    notes = list(map(_arrow, made.notes + made.left_out))
    return {"shown": shown, "rows": rows, "ranks": ranks, "reason": made.reason, "notes": notes}


def _id(digest: str) -> str:
    """A run in an address, "#run=ID"."""
    return digest[:12]


def _runs(
    results: Sequence[Result],
    every: Sequence[Cell],
    columns: Sequence[Column],
    published: Mapping[str, Sequence[Mapping[str, Any]]],
    store: Store | None,
) -> list[dict[str, Any]]:
    by_hash = {result.spec.hash: result for result in results}
    own: dict[str, list[Cell]] = {}
    for cell in every:
        own.setdefault(cell["hash"], []).append(cell)
    return [
        _run(by_hash[digest], of, store)
        | {"column": columns.index(column_of(of[0])), "published": list(map(_figure, published.get(digest, ())))}
        for digest, of in own.items()
    ]


def _figure(cell: Mapping[str, Any]) -> dict[str, Any]:
    """A published figure; what is in percent becomes a share, as the scores of a report are."""
    texts = ("table", "paper", "source", "label", "theirs_n", "theirs_selection", "selection", "outcome", "why")
    shares = ("theirs", "theirs_spread", "tolerance")
    return {key: cell[key] for key in texts} | {
        key: None if cell[key] is None else round(cell[key] / 100, 5) for key in shares
    }


def _run(result: Result, own: Sequence[Cell], store: Store | None) -> dict[str, Any]:
    spec, head = result.spec, own[0]
    environment = result.environment
    recipe = {key: value for key, value in spec.recipe.to_json().items() if value not in ([], "")}
    return {
        "id": _id(spec.hash),
        "name": row_name({**head, "sees": []}),
        "policies": {cell["selection"]: _score(result, cell) for cell in own},
        "classes": list(result.classes),
        **{key: head[key] for key in ("setting", "status", "error", "seconds", "sees", "diverged")},
        "curves": [
            {key: getattr(point, key) for key in ("phase", "step", "metrics", "source_val", "target")}
            for point in result.curves
        ],
        "command": spec.command,  # that of the file may be any text, for who copies it
        "settings": {key: as_text(value) for key, value in spec.settings} or {"none": ""},
        "recipe": {key: _recipe_text(value) for key, value in recipe.items()},
        "facts": {
            "device": environment.device or "unknown",
            "started": result.times.started,
            "seconds": f"{result.times.wall:.1f}, of which compiling {result.times.compile:.1f}",
            "seeds": list(spec.seeds),
            "commit": environment.git or "unknown",
            "versions": ", ".join(f"{name} {version}" for name, version in environment.versions.items()),
            "spec": spec.hash,
            "data": result.data_hash,
        },
        "embedding": _embedding(store.kept(spec)) if store else None,
    }


def _recipe_text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {as_text(item)}" for key, item in value.items())
    return as_text(tuple(value) if isinstance(value, list) else value)


def _score(result: Result, cell: Cell) -> dict[str, Any]:
    keys = (
        "n",
        "mean",
        "low",
        "high",
        "scores",
        "gain",
        "negative_transfer",
        "collapsed",
        "best",
        "mean_per_class",
        "unbalanced",
    )
    selection = result.selections.get(cell["selection"])
    made = selection.scores if selection else []
    classed = made and result.metric != "r2"
    return {key: cell[key] for key in keys} | {
        "steps": [score.step for score in made],
        "confusion": np.sum([score.confusion for score in made], axis=0).tolist() if classed else None,
    }


def _embedding(kept: dict[str, np.ndarray] | None) -> dict[str, Any] | None:
    if kept is None:
        return None
    lists = {key: kept[key].tolist() for key in ("predicted", "steps", "source", "y", "classes")}
    points = np.round(kept["points"].astype(np.float64), 3).tolist()
    images = kept.get("images", np.zeros(0))
    if images.ndim != 4 or images.shape[3] not in (1, 3) or images.dtype != np.uint8:
        return {**lists, "points": points, "shown": [], "images": []}  # of inputs that are no images
    return {**lists, "points": points, "shown": kept["shown"].tolist(), "images": list(map(_png, images))}


def _png(image: np.ndarray) -> str:
    """A uint8 image [H, W, C] as a data address."""
    from PIL import Image  # imported here: pages without images need not wait for it

    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    picture.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
