"""Losses and their gradients against plain PyTorch transcriptions of the papers' equations.

PyTorch is no dependency: without it, all of this is skipped. Features are parameters here, so that the gradient
with respect to them, to the head and to a strategy's own networks is compared as well as the loss.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tlx import Batch, Context, Labelled, State, Strategy, Unlabelled
from tlx.engine.model import ModelSpec, PureModel, Shapes, make_model
from tlx_strategies.afn import AFN
from tlx_strategies.bsp import BSP
from tlx_strategies.cdan import CDAN
from tlx_strategies.coral import CORAL
from tlx_strategies.dann import DANN
from tlx_strategies.jan import JAN
from tlx_strategies.mcc import MCC
from tlx_strategies.mdd import MDD
from tlx_strategies.mmd import MMD

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
F = torch.nn.functional

N, WIDTH, CLASSES, P = 8, 6, 4, 0.3
Y = np.random.default_rng(1).integers(0, CLASSES, N)


class Free(nnx.Module):
    """Features that are parameters, whatever x is."""

    def __init__(self, shape, rngs):
        random = np.random.default_rng(0)
        rows = np.concatenate([random.normal(size=(N, WIDTH)), 0.5 + 1.5 * random.normal(size=(N, WIDTH))])
        self.width, self.rows = WIDTH, nnx.Param(jnp.asarray(rows))

    def __call__(self, x):
        return self.rows[: len(x)]


class Double(PureModel):
    """The model without the cast to float32."""

    def features(self, state: State, x: Any, **how: Any) -> Any:
        return state.params["features"]["rows"], state

    def classify(self, state: State, features: Any, *, net: str = "head", train: bool = True) -> Any:
        return features @ state.params[net]["kernel"] + state.params[net]["bias"][None], state


ROWS, NO = jnp.zeros((N, 1)), jnp.zeros(N, jnp.int32)
MADE = make_model(ModelSpec(Free, Shapes.of(ROWS), CLASSES, CLASSES))
MODEL = Double(**{field.name: getattr(MADE, field.name) for field in dataclasses.fields(MADE)})
BATCH = Batch(Labelled(ROWS, jnp.asarray(Y), NO, NO), Unlabelled(ROWS, NO, NO), None)  # pyright: ignore
RAMP = 2 / (1 + np.exp(-10 * P)) - 1


# ---- what the transcriptions share


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, coefficient):
        ctx.coefficient = coefficient
        return x.view_as(x)

    @staticmethod
    def backward(ctx, *gradients):
        return -ctx.coefficient * gradients[0], None


def network(params, x):
    layers, norms = params["layers"], params.get("norms", {})
    for i, layer in layers.items():
        x = x @ layer["kernel"] + layer["bias"]
        if i in norms:
            x = F.batch_norm(x, None, None, norms[i]["scale"], norms[i]["bias"], training=True, eps=1e-5)
        if i < len(layers) - 1:
            x = torch.relu(x)
    return x


def entropy(p):
    return -(p * torch.log(p)).sum(1)


def kernels(distances):
    return sum(torch.exp(-distances / (2 * 2.0**k * distances.mean().detach())) for k in range(-3, 2))


def all_pairs(s, t):
    joint = torch.cat([s, t])
    return ((joint[:, None] - joint[None]) ** 2).sum(2)


def quadruples(s, t):
    pairs = ((s[::2], s[1::2]), (t[::2], t[1::2]), (s[::2], t[1::2]), (s[1::2], t[::2]))
    return torch.stack([((a - b) ** 2).sum(1) for a, b in pairs])


def over_pairs(k):
    return k[:N, :N].mean() + k[N:, N:].mean() - 2 * k[:N, N:].mean()


def over_quadruples(k):
    return (k[0] + k[1] - k[2] - k[3]).mean()


# ---- transcriptions: (parameters, source and target features, source and target logits) -> the term


def dann(params, s, t, zs, zt):
    d = torch.sigmoid(network(params["critic"], Reverse.apply(torch.cat([s, t]), RAMP))[:, 0])
    return -(torch.log(d[:N]).mean() + torch.log(1 - d[N:]).mean()) / 2


def cdan(params, s, t, zs, zt, conditioned=False):
    p = F.softmax(torch.cat([zs, zt]), 1)
    joint = torch.bmm(torch.cat([s, t]).unsqueeze(2), p.detach().unsqueeze(1)).view(2 * N, -1)
    d = torch.sigmoid(network(params["critic"], Reverse.apply(joint, RAMP))[:, 0])
    losses = torch.cat([-torch.log(d[:N]), -torch.log(1 - d[N:])])
    w = 1 + torch.exp(-Reverse.apply(entropy(p), RAMP)) if conditioned else torch.ones(2 * N).double()
    ours, theirs = (w * losses)[:N].sum() / w[:N].sum().detach(), (w * losses)[N:].sum() / w[N:].sum().detach()
    return (ours + theirs) / 2


def mmd(params, s, t, zs, zt):
    return over_pairs(kernels(all_pairs(s, t)))


def mmd_linear(params, s, t, zs, zt):
    return over_quadruples(kernels(quadruples(s, t)))


def jan(params, s, t, zs, zt, distances=all_pairs, over=over_pairs):
    on_classes = torch.exp(-distances(F.softmax(zs, 1), F.softmax(zt, 1)) / (2 * 0.92**2))
    return over(kernels(distances(s, t)) * on_classes)


def mcc(params, s, t, zs, zt):
    p = F.softmax(zt / 2.5, 1)
    w = 1 + torch.exp(-entropy(p)).detach()
    w = N * w / w.sum()
    c = (p * w[:, None]).T @ p
    c = c / c.sum(1, keepdim=True)
    return (c.sum() - torch.trace(c)) / CLASSES


def mdd(params, s, t, zs, zt):
    p = F.softmax(network(params["adversary"], Reverse.apply(torch.cat([s, t]), 0.1 * RAMP)), 1)
    rows = torch.arange(N)
    on_source, on_target = p[:N][rows, zs.argmax(1)], p[N:][rows, zt.argmax(1)]
    return -4 * torch.log(on_source).mean() - torch.log(1 - on_target).mean()


def afn(params, s, t, zs, zt):
    norms = torch.linalg.norm(s, dim=1), torch.linalg.norm(t, dim=1)
    return 0.05 * sum(((n - (n.detach() + 1)) ** 2).mean() for n in norms)


def afn_hard(params, s, t, zs, zt):
    return 0.05 * sum((torch.linalg.norm(z, dim=1).mean() - 25) ** 2 for z in (s, t))


def bsp(params, s, t, zs, zt):
    return 1e-4 * sum(torch.linalg.svdvals(z)[0] ** 2 for z in (s, t))


def coral(params, s, t, zs, zt):
    return ((torch.cov(zs.T) - torch.cov(zt.T)) ** 2).sum() / (4 * CLASSES**2)


CASES = {
    "dann": (DANN(hidden=(5, 3)), dann),
    "cdan": (CDAN(hidden=(5,)), cdan),
    "cdan_entropy": (CDAN(hidden=(5,), entropy=True), functools.partial(cdan, conditioned=True)),
    "mmd": (MMD(), mmd),
    "mmd_linear": (MMD(estimator="linear"), mmd_linear),
    "jan": (JAN(), jan),
    "jan_linear": (JAN(estimator="linear"), functools.partial(jan, distances=quadruples, over=over_quadruples)),
    "mcc": (MCC(), mcc),
    "mdd": (MDD(hidden=(5,)), mdd),
    "afn": (AFN(), afn),
    "afn_hard": (AFN(variant="hard"), afn_hard),
    "bsp": (BSP(), bsp),
    "coral": (CORAL(), coral),
}


def ours(strategy: Strategy, state: State) -> tuple[Any, Any]:
    def loss(params):
        context = Context(jax.random.key(0), jnp.float64(P))
        return strategy.loss(MODEL, state._replace(params=params), BATCH, context)[0]

    return jax.value_and_grad(loss)(state.params)


@pytest.mark.parametrize("name", CASES)
def test_loss_and_gradients_are_those_of_the_transcription(name):
    strategy, transcription = CASES[name]
    with jax.enable_x64(True):
        state = strategy.init(MODEL, jax.random.key(0))
        state = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), state)
        value, gradients = ours(strategy, state)
        params = jax.tree.map(lambda leaf: torch.tensor(np.asarray(leaf), requires_grad=True), state.params)
    rows = params["features"]["rows"]
    s, t = rows[:N], rows[N:]
    zs, zt = (z @ params["head"]["kernel"] + params["head"]["bias"] for z in (s, t))
    expected = F.cross_entropy(zs, torch.tensor(Y)) + transcription(params, s, t, zs, zt)
    expected.backward()
    assert float(value) == pytest.approx(expected.item(), abs=1e-5, rel=1e-5)
    theirs = jax.tree.map(lambda leaf: leaf.grad.numpy(), params)
    jax.tree.map(lambda g, e: np.testing.assert_allclose(g, e, rtol=1e-5, atol=1e-7), gradients, theirs)
