"""A trained model as a program of `jax.export`, StableHLO in bytes, that runs without tlx."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.export

from tlx import native
from tlx.errors import ContractError, ResultError, SettingError
from tlx.runs.convert import to_json
from tlx.store.file import write_whole

if TYPE_CHECKING:
    from tlx.trained.trained import Trained

PLATFORMS = ("cpu", "cuda", "tpu")
RUN = "jax.export.deserialize(bytearray(open(FILE, 'rb').read())).call(x)"
LARGEST = 2**31 - 2**20  # bytes of parameters: the format's limit


def export(model: "Trained", path: str | Path) -> Path:
    """Writes the program to `path`, and a JSON text of its input, preprocessing, outputs and classes to `path`.json.

    It takes rows x as the model's task stores them, of images uint8 at the model's size, any number of them, scales
    them itself, and gives a dict: "features" [N, width], "logits" and "probabilities" [N, classes]; of a model of real
    targets "features" and "outputs". Its parameters are in it. It runs on CPU, CUDA and TPU, by JAX alone, of this
    version and, as `jax.export` promises, of those of the next six months.

    Raises:
        ContractError: the strategy's `predict` cannot be traced for any number of rows, or needs code of its own.
        ResultError: it cannot be written, or is larger than 2 GB.
        SettingError: flatbuffers is needed and not installed.
    """
    if find_spec("flatbuffers") is None:
        raise SettingError("A program of jax.export is written by flatbuffers: pip install 'tlx[export]'")
    facts = model.about.facts
    rows = jax.export.symbolic_shape("rows")

    def program(x: Any) -> dict[str, jax.Array]:
        seen = model.program(model.arrays, x)
        if not facts.classes:
            return {"features": seen.features, "outputs": seen.logits}
        return {
            "features": seen.features,
            "logits": seen.logits,
            "probabilities": jax.nn.softmax(seen.logits),
        }

    x = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((*rows, *leaf.shape[1:]), leaf.dtype), facts.x)
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(model.state))
    if size > LARGEST:
        raise ResultError(
            f"The model has {size:,} bytes of parameters; expected less than 2 GB, which the format holds."
        )
    try:
        with native.portable():
            made = jax.export.export(jax.jit(program), platforms=PLATFORMS)(x)
        content = bytes(made.serialize())
    except Exception as error:  # of what a strategy does with its number of rows, JAX has many
        reason = str(error).strip().split("\n")[0]
        who = f"'{model.about.spec.strategy}' on '{model.about.spec.backbone}'"
        why = f"{reason} ({model.note})" if model.note else reason
        raise ContractError(f"{who} cannot be exported as a program for any number of rows: {why}") from error
    path = Path(path).expanduser()
    _write(path, content)
    described = json.dumps(_description(model, path.name, made), indent=1, allow_nan=False) + "\n"
    _write(path.with_name(f"{path.name}.json"), described.encode())
    return path


def _description(model: "Trained", name: str, made: jax.export.Exported) -> dict[str, Any]:
    about, facts = model.about, model.about.facts.to_json()
    image = {
        "size": "scaled to the input's before: bilinear, of photographs the short side, then the middle is cropped",
        "channels": "RGB, or grey by ITU-R BT.601",
        "in the program": "x = (uint8 / 255 - mean) / std" + (", then scaled to `resize`" if facts["resize"] else ""),
    }
    other = {"in the program": "x = (x - mean) / std of floats, nothing of whole numbers"}
    return {
        "program": name,
        "run": f"{RUN.replace('FILE', repr(name))}  # import jax.export",
        "input": {"kind": facts["input"]["kind"], "x": facts["x"], "rows": "any number, the first axis"},
        "preprocessing": {
            **(image if facts["input"]["kind"] == "image" else other),
            **{key: facts[key] for key in ("mean", "std", "resize")},
        },
        "outputs": {
            key: ["rows", *map(int, leaf.shape[1:])]
            for key, leaf in jax.tree.unflatten(made.out_tree, made.out_avals).items()
        },
        "classes": list(model.class_names),
        "platforms": list(made.platforms),
        "jax": jax.__version__,
        "note": model.note,
        "model": {name: value for name, value in to_json(about).items() if name != "facts"},
    }


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise ResultError(f"The program cannot be written to '{path}': {error.strerror or error}.") from error
