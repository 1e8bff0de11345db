"""The peer: the same nets, losses and optimizer as a plain PyTorch loop, data in memory, no loader."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from cases import ROWS, Case, images
from torch import nn

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def lenet() -> nn.Module:
    """conv5 20, pool, ReLU, conv5 50, pool, ReLU, fc 500, ReLU, then the bottleneck."""
    conv = [nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.ReLU()]
    fc = [nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 256), nn.BatchNorm1d(256), nn.ReLU()]
    return nn.Sequential(*conv, *fc)


def dtn() -> nn.Module:
    """CDAN's DTN."""
    layers: list[nn.Module] = []
    for fan_in, out, rate in ((3, 64, 0.1), (64, 128, 0.3), (128, 256, 0.5)):
        layers += [nn.Conv2d(fan_in, out, 5, 2, 2), nn.BatchNorm2d(out), nn.Dropout2d(rate), nn.ReLU()]
    fc = [nn.Flatten(), nn.Linear(4096, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, *fc)


class Reverse(torch.autograd.Function):
    """Gradient reversal."""

    @staticmethod
    def forward(ctx, x, coefficient):
        ctx.coefficient = coefficient
        return x.view_as(x)

    @staticmethod
    def backward(ctx, *grads):
        return -ctx.coefficient * grads[0], None


def prepare(case: Case, compiled: bool = False, dtype: str = "float32") -> Callable[[], None]:
    """One round of a case as a function; `compiled` puts the features through `torch.compile`.

    In another `dtype` than float32 the forward passes run under autocast.
    """
    torch.manual_seed(0)
    x_numpy, y_numpy = images(case)
    x = torch.from_numpy(x_numpy).permute(0, 3, 1, 2).contiguous().to(DEVICE)
    y = torch.from_numpy(y_numpy).long().to(DEVICE)
    features: nn.Module = (lenet() if case.backbone == "lenet" else dtn()).to(DEVICE)
    width = 256 if case.backbone == "lenet" else 512
    head, head2 = nn.Linear(width, 10).to(DEVICE), nn.Linear(width, 10).to(DEVICE)
    hidden = [nn.Linear(width, 1024), nn.BatchNorm1d(1024), nn.ReLU(), nn.Linear(1024, 1024), nn.BatchNorm1d(1024)]
    critic = nn.Sequential(*hidden, nn.ReLU(), nn.Linear(1024, 1)).to(DEVICE)
    forward = torch.compile(features) if compiled else features
    batch = case.recipe.batch

    def optimizer(*modules: nn.Module) -> torch.optim.Optimizer:
        params = [p for module in modules for p in module.parameters()]
        return torch.optim.SGD(params, lr=0.01, momentum=0.9, weight_decay=1e-3, nesterov=True)

    def draw() -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.randint(ROWS, (batch,), device=DEVICE)
        return (x[rows].float() / 255 - 0.5) / 0.5, y[rows]

    def descend(loss: torch.Tensor, *optimizers: torch.optim.Optimizer) -> None:
        for each in optimizers:
            each.zero_grad(set_to_none=True)
        loss.backward()
        for each in optimizers:
            each.step()

    everything = optimizer(features, head, critic)
    plain = optimizer(features, head)

    def source_only() -> None:
        images, labels = draw()
        descend(F.cross_entropy(head(forward(images)), labels), plain)

    def dann() -> None:
        (source, labels), (target, _) = draw(), draw()
        f = forward(torch.cat([source, target]))
        judged = critic(Reverse.apply(f, 0.5)).squeeze(1)
        on_source = F.binary_cross_entropy_with_logits(judged[:batch], torch.ones_like(judged[:batch]))
        on_target = F.binary_cross_entropy_with_logits(judged[batch:], torch.zeros_like(judged[batch:]))
        descend(F.cross_entropy(head(f[:batch]), labels) + (on_source + on_target) / 2, everything)

    for_features, for_heads = optimizer(features), optimizer(head, head2)

    def mcd() -> None:
        (source, labels), (target, _) = draw(), draw()

        def parts() -> tuple[torch.Tensor, torch.Tensor]:
            f = forward(torch.cat([source, target]))
            task = sum(F.cross_entropy(h(f[:batch]), labels) for h in (head, head2))
            one, two = (F.softmax(h(f[batch:]), 1) for h in (head, head2))
            return task, (one - two).abs().mean()  # pyright: ignore[reportReturnType]

        descend(parts()[0], for_features, for_heads)
        task, gap = parts()
        descend(task - gap, for_heads)
        for _ in range(4):
            descend(parts()[1], for_features)

    def evaluation() -> None:
        features.eval()
        with torch.no_grad():
            for rows in torch.split(x, case.recipe.eval_batch):
                head(features((rows.float() / 255 - 0.5) / 0.5))

    steps = {"dann": dann, "source_only": source_only, "mcd": mcd}
    step = evaluation if case.steps == 0 else steps[case.strategy]

    def call() -> None:
        with torch.autocast(DEVICE.type, getattr(torch, dtype), enabled=dtype != "float32"):
            for _ in range(case.steps or 1):
                step()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()

    call()
    return call
