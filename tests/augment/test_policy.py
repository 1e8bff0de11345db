import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import SettingError
from tlx.augment.geometry import crop, flip
from tlx.augment.noise import cutout
from tlx.augment.policy import OPERATIONS, PRESETS, Operation, check, parse, policy

KEY = jax.random.key(0)


def test_operations_in_order_with_arguments():
    assert parse("flip + crop(3, mode='edge')+cutout") == (
        Operation("flip"),
        Operation("crop", (3,), (("mode", "edge"),)),
        Operation("cutout"),
    )
    assert parse("none") == parse("") == ()
    assert [operation.name for operation in parse("fixmatch_strong")] == ["flip", "crop", "randaugment", "cutout"]
    assert parse("shift + flip") == (*parse("shift"), Operation("flip"))


def test_each_operation_has_a_key_of_its_own(x):
    keys = jax.random.split(KEY, 3)
    wanted = cutout(keys[2], crop(keys[1], flip(keys[0], x), 3, "edge"), 0.25)
    np.testing.assert_array_equal(policy("flip + crop(3, 'edge') + cutout(0.25)")(KEY, x), wanted)
    assert policy("none")(KEY, x) is x


@pytest.mark.parametrize("text", [*PRESETS, *OPERATIONS])
def test_all_trace_under_vmap_and_keep_shape_and_dtype(text):
    keys = jax.eval_shape(lambda: jax.random.split(KEY, 2))
    for shape, dtype in (((5, 28, 28, 1), jnp.float32), ((3, 8, 9, 3), jnp.bfloat16)):
        out = jax.eval_shape(jax.vmap(policy(text), (0, None)), keys, jax.ShapeDtypeStruct(shape, dtype))
        assert out.shape == (2, *shape) and out.dtype == dtype
    check(text)


def test_each_key_and_image_has_its_draw(x):
    both = jax.jit(jax.vmap(policy("fixmatch_strong"), (0, None)))
    keys = jax.random.split(KEY, 2)
    out = both(keys, x)
    np.testing.assert_allclose(both(keys[::-1], x)[0], out[1], atol=1e-5)
    assert not np.array_equal(out[0], out[1])
    np.testing.assert_array_equal(both(keys, x.at[:6].set(0.2))[:, 6], out[:, 6])


def test_gradients_pass_through(x):
    """Where the steepest input of a loss is sought, as in virtual adversarial training: a flip's gradient is a flip."""
    apply, way = policy("flip + affine(0)"), jnp.arange(x.size).reshape(x.shape) / x.size
    slope = jax.grad(lambda images: jnp.sum(way * apply(KEY, images)))(x)
    np.testing.assert_allclose(slope, apply(KEY, way), atol=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crpo", "unknown augmentation 'crpo'; did you mean crop.*operations: crop, flip.*policies: none, shift"),
        ("fixmatch_storng", "unknown augmentation 'fixmatch_storng'; did you mean fixmatch_strong"),
        ("qqq(3)", "unknown augmentation 'qqq'; operations"),
        ("crop(pda=4)", r"augmentation 'crop': .*'pda'; expected crop\(pad=4, mode='zero'\)"),
        ("crop(1, 'edge', 3)", "augmentation 'crop': too many positional arguments"),
        ("crop(2.5)", "augmentation 'crop': pad is 2.5; expected int, 0 or more"),
        ("rotate('10')", "augmentation 'rotate': degrees is '10'; expected float"),
        ("rotate(-10)", "augmentation 'rotate': degrees is -10; expected float, 0 or more"),
        ("rotate(1e999)", "degrees is inf; expected float"),
        ("crop(2, 'wrap')", "mode is 'wrap'"),
        ("cutout(16)", "cutout: size is 16.0; expected a part"),
        ("crop(4", "augmentation policy is 'crop\\(4'; expected operations joined by"),
        ("crop - flip", "augmentation policy is 'crop - flip'"),
        ("crop(x)", "augmentation policy is"),
        ("crop(*[4])", "augmentation policy is"),
        ("crop(**{})", "augmentation policy is"),
        ("__import__('os').system('true')", "augmentation policy is"),
        (7, "augmentation policy is 7"),
    ],
)
def test_bad_policies_are_named(text, message):
    with pytest.raises(SettingError, match=message):
        check(text)


def test_presets_are_checked_without_jax():
    code = (
        "import sys; from tlx import Recipe; [Recipe(views={'weak': w, 'strong': 'fixmatch_strong'}) for w in "
        "('none', 'cifar')];"
        "sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
