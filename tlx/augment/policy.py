"""Policies: chains of operations as a text that a recipe holds, such as "flip + crop(4, 'reflect')".

A policy is operations joined by "+", applied from left to right, each with arguments as in Python, or none for its
defaults; a preset's name stands for its operations. Importing this module imports no JAX.
"""

import ast
import functools
import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

from tlx.errors import SettingError, nearest
from tlx.syntax import syntax_tree

OPERATIONS = {
    name: module
    for module, names in {
        "geometry": "crop flip rotate shear translate scale affine",
        "color": "color_jitter grayscale",
        "noise": "noise blur cutout intensity",
        "randaugment": "randaugment",
    }.items()
    for name in names.split()
}
PRESETS = {
    "none": "",
    # translations of French, Mackiewicz, Fisher (2018)
    "shift": "crop(2, 'edge')",
    # SHOT (Liang et al. 2020), the source of USPS to MNIST
    "digits": "crop(4) + rotate(10)",
    "digits_strong": "shift + affine(0.1) + intensity(0.75, 1.25, 0.125, 0) + noise(0.05)",
    # MNIST and SVHN in French et al. (2018); their 0.1 and 0.5 are in units of a standard deviation of 0.5
    "french_digits": "shift + affine(0.1) + intensity(0.25, 1.5, 0.25, 0.5) + noise(0.05)",
    "cifar": "flip + crop(4)",
    # Sohn et al. (2020); on digits leave out the flip
    "fixmatch_weak": "flip + crop(4, 'reflect')",
    "fixmatch_strong": "fixmatch_weak + randaugment(2) + cutout(0.5)",
}


class Operation(NamedTuple):
    """One call of a policy; hashable."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()


@functools.lru_cache(maxsize=128)
def parse(text: str) -> tuple[Operation, ...]:
    """The operations of a policy, presets resolved, arguments not looked at.

    Raises:
        SettingError: not a policy, or an operation that does not exist.
    """
    text = PRESETS.get(text, text)
    if not text.strip():
        return ()
    try:
        tree = syntax_tree(text.strip(), "eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise SettingError(_odd(text)) from None
    return tuple(_operations(tree, text))


def check(text: Any) -> None:
    """Raises SettingError unless the text is a policy whose arguments its operations take.

    A preset is known to be one; for another policy this traces its operations, and so imports JAX.
    """
    if not isinstance(text, str):
        raise SettingError(_odd(text))
    parse(text)
    if text in PRESETS:
        return
    import jax
    import jax.numpy as jnp

    images = jax.ShapeDtypeStruct((2, 8, 8, 3), jnp.float32)
    jax.eval_shape(policy(text), jax.eval_shape(lambda: jax.random.key(0)), images)


@functools.lru_cache(maxsize=128)
def policy(text: str) -> Callable[[Any, Any], Any]:
    """The function `(key, images) -> images` of a policy: operation i has a key of its own, `split(key, n)[i]`.

    Raises:
        SettingError: not a policy, an operation that does not exist, or arguments that it does not take.
    """
    calls = [_bound(operation) for operation in parse(text)]

    def apply(key, x):
        import jax

        from tlx.augment.warp import settled

        for fresh, call in zip(jax.random.split(key, max(1, len(calls))), calls, strict=False):
            x = settled(call(fresh, x))
        return x

    return apply


def _operations(node: ast.expr, text: str) -> Iterator[Operation]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _operations(node.left, text)
        yield from _operations(node.right, text)
    elif isinstance(node, ast.Name) and node.id in PRESETS:
        yield from parse(node.id)
    elif isinstance(node, ast.Name):
        yield Operation(_known(node.id))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name = _known(node.func.id)
        try:
            args = tuple(ast.literal_eval(arg) for arg in node.args)
            kwargs = tuple((str(word.arg), ast.literal_eval(word.value)) for word in node.keywords if word.arg)
        except ValueError:
            raise SettingError(_odd(text)) from None
        if len(kwargs) < len(node.keywords):
            raise SettingError(_odd(text))
        yield Operation(name, args, kwargs)
    else:
        raise SettingError(_odd(text))


def _known(name: str) -> str:
    if name in OPERATIONS:
        return name
    guess = nearest(name, [*OPERATIONS, *PRESETS])
    hint = f"did you mean {' or '.join(guess)}? " if guess else ""
    raise SettingError(
        f"unknown augmentation '{name}'; {hint}operations: {', '.join(OPERATIONS)}; policies: {', '.join(PRESETS)}"
    )


def _bound(operation: Operation) -> Callable[[Any, Any], Any]:
    """The operation with its arguments, each of its default's type and not negative."""
    function = getattr(import_module(f"tlx.augment.{OPERATIONS[operation.name]}"), operation.name)
    takes = list(inspect.signature(function).parameters.values())[2:]
    shown = f"{operation.name}({', '.join(f'{item.name}={item.default!r}' for item in takes)})"
    signature = inspect.Signature([item.replace(annotation=inspect.Parameter.empty) for item in takes])
    try:
        settings = signature.bind(*operation.args, **dict(operation.kwargs)).arguments
    except TypeError as error:
        raise SettingError(f"augmentation '{operation.name}': {error}; expected {shown}") from None
    for name, value in settings.items():
        kind = type(signature.parameters[name].default)
        fits = type(value) is kind or (kind is float and type(value) is int)
        if not fits or (kind is not str and not 0 <= value < float("inf")):
            least = "" if kind is str else ", 0 or more"
            raise SettingError(
                f"augmentation '{operation.name}': {name} is {value!r}; expected {kind.__name__}{least}: {shown}"
            )
        settings[name] = kind(value)
    return functools.partial(function, **settings)


def _odd(text: Any) -> str:
    presets = ", ".join(PRESETS)
    return f"augmentation policy is {text!r}; expected operations joined by '+', as \"flip + crop(4)\", or {presets}"
