"""Max pooling by windows side by side, whose gradient needs a byte for each window."""

import jax

from tlx.errors import ContractError
from tlx.native.call import BYTE, call, check, custom_vjp, shaped

Window = tuple[int, int]
Size = tuple[int, int]  # height and width of x


def max_pool(x: jax.Array, window: Window = (2, 2)) -> jax.Array:
    """y[b,p,q,c] = max_ij x[b, R p + i, S q + j, c] for a window (R, S) of at most 8 pixels, the rest dropped.

    x [B,H,W,C] float32, y [B, H // R, W // S, C]. NaN wins. Where values tie, the gradient is shared between them.
    Raises ContractError for other shapes, dtypes and windows, TlxError where `available()` is false.
    """
    check("max_pool", x=(x, 4))
    if len(window) != 2 or min(window) < 1 or window[0] * window[1] > 8:
        raise ContractError(
            f"max_pool: the window is {tuple(window)}; expected two sizes of at most 8 pixels together."
        )
    return _max_pool(x, (int(window[0]), int(window[1])), (x.shape[1], x.shape[2]))[0]


@custom_vjp(1, 2)
def _max_pool(x: jax.Array, window: Window, size: Size) -> tuple[jax.Array, jax.Array]:
    """The maxima, and for each a byte: bit i S + j says that pixel (i, j) of the window equals it."""
    shape = x.shape[0], size[0] // window[0], size[1] // window[1], x.shape[3]
    return call("tlx_max_pool", (shaped(*shape), shaped(*shape, dtype=BYTE)), window, (True,))(x)


@custom_vjp(2, 3)
def spread(g: jax.Array, mask: jax.Array, window: Window, size: Size) -> jax.Array:
    """dx [B,*size,C]: g, shared between the pixels of a window that the mask names."""
    dx = shaped(g.shape[0], *size, g.shape[3])
    return call("tlx_max_pool_spread", dx, window, (True, True))(g, mask)


@custom_vjp(2, 3)
def collect(t: jax.Array, mask: jax.Array, window: Window, size: Size) -> jax.Array:
    """The transpose of `spread`: the mean of t over the pixels of a window that the mask names."""
    return call("tlx_max_pool_collect", shaped(*mask.shape), window, (True, True))(t, mask)


def _forward(x: jax.Array, window: Window, size: Size):
    y, mask = _max_pool(x, window, size)
    return (y, mask), mask


_max_pool.defvjp(_forward, lambda window, size, mask, g: (spread(g[0], mask, window, size),))
spread.defvjp(
    lambda g, mask, window, size: (spread(g, mask, window, size), mask),
    lambda window, size, mask, t: (collect(t, mask, window, size), None),
)
collect.defvjp(
    lambda t, mask, window, size: (collect(t, mask, window, size), mask),
    lambda window, size, mask, g: (spread(g, mask, window, size), None),
)
