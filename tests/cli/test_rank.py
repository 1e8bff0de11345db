"""The options of `tlx rank` and `tlx features`; what they do is tested in tests/rank/test_rank.py."""

import pytest

from tlx.cli.rank import _pairs


def test_weights_are_pairs(tlx_command):
    assert _pairs(None, None, ("a=x=1.safetensors", "b=y")) == {"a": "x=1.safetensors", "b": "y"}  # pyright: ignore[reportArgumentType]
    code, _, err = tlx_command("rank", "--target", "t", "--backbones", "mlp", "--weights", "x.safetensors")
    assert code == 1 and "--weights is 'x.safetensors'; expected BACKBONE=FILE" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("rank", "--target", "optdigit", "--backbones", "mlp"), "Did you mean optdigits"),
        (("rank", "--target", "optdigits", "--backbones", "mpl"), "Unknown backbone 'mpl'. Did you mean mlp"),
        (("rank", "--target", "optdigits", "--backbones", "mlp", "--scores", "logm"), "Did you mean logme"),
        (("rank", "--target", "optdigits", "--backbones", "mlp", "--protocol", "P-5"), "Unknown protocol 'P-5'"),
        (("features", "optdigit", "--backbone", "mlp"), "Did you mean optdigits"),
        (("features", "optdigits", "--backbone", "mpl"), "Did you mean mlp"),
        (("features", "optdigits", "--backbone", "mlp", "--protocol", "P-5"), "Unknown protocol 'P-5'"),
    ],
)
def test_unknown_names(tlx_command, arguments, told):
    code, _, err = tlx_command(*arguments)
    assert code == 1 and told in err
