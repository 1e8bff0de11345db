"""The suites that come with tlx."""

import importlib
import inspect

import jax.numpy as jnp
import pytest

from tlx.engine.optimizer import schedule
from tlx.plugins import Registry
from tlx.runs.resolve import Lookup, resolve_suite


def specs_of(registry, name):
    return [job.spec for job in resolve_suite(Lookup(registry), registry.get("suites", name))]


@pytest.fixture(scope="module")
def everything():
    return Registry.load(environ={})


def test_quick_is_what_the_readme_says(everything):
    quick = everything.get("suites", "quick")
    assert quick.tasks == ("mnist5k->optdigits", "mnist5k->mnist5k_m")
    assert {"source_only", "coral", "mmd", "kl", "dann", "shot", "target_only"} <= set(quick.strategies)
    assert (quick.seeds, quick.backbone) == (5, "lenet")


GENERALISATION = ("rotated-mnist-dg", "colored-mnist")
LARGE = ("digits", "rotated-mnist", "cifar-stl", "cifar10-c", "cifar10-transfer", "cifar10-source", "digits-five")
PAPERS = tuple(name for name, _, _ in importlib.import_module("tlx_suites").PAPERS)
FEATURES = ("office-caltech10", "office-caltech10-tuned", "office-caltech10-multi", "folder", "cifar10-transfer-probe")
TRANSFER = ("cifar10-transfer-reduced",)
CODE = ("cdan-digits", "mcd-digits")
NAMES = (
    *PAPERS,
    *FEATURES,
    *TRANSFER,
    *CODE,
    "quick",
    "quick-all",
    "quick-prior",
    "quick-open",
    "quick-partial",
    "quick-multi",
    "quick-stream",
    "smoke",
    "digits-short",
    *LARGE,
    *(f"{name}-smoke" for name in (*LARGE, *GENERALISATION)),
)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_suite_is_registered(everything, name):
    suite = everything.get("suites", name)
    specs = specs_of(everything, name)
    assert suite.name == name
    strategies = suite.strategies
    if strategies == ("all",):
        strategies = [
            item for item in everything.entries("strategies") if "closed" in (item.load().spaces or ["closed"])
        ]
    assert len(specs) == len(suite.tasks) * len(strategies) == len({spec.hash for spec in specs})


@pytest.mark.parametrize("name", NAMES)
def test_a_suite_says_what_it_shows(everything, name):
    entry = everything.entry("suites", name)
    assert entry.summary.endswith(".") and len(entry.summary) <= 120


def test_every_suite_is_looked_at(everything):
    assert {entry.name for entry in everything.entries("suites") if entry.plugin == "suites"} == set(NAMES)


def test_an_epoch_of_few_shot_digits_is_that_of_the_pairs(everything):
    """66,000 pairs for any number of labels, 128 a step; Keras' decay by step is one by progress here."""
    specs = {spec.label: spec for spec in specs_of(everything, "few-shot-digits")}
    assert len(specs) == 12 and {len(spec.seeds) for spec in specs.values()} == {10}
    for shots in (1, 3, 5, 7):
        spec = specs[f"mnist->usps/{shots} dage"]
        assert spec.recipe.steps == 516 * spec.recipe.rounds and spec.backbone == "conv2_dage"
        assert spec.recipe.gamma / spec.recipe.steps == pytest.approx(1.573e-5)


@pytest.mark.parametrize("name", (*LARGE, *GENERALISATION))
def test_the_text_of_a_large_suite_says_what_it_reproduces_what_to_expect_and_what_it_costs(everything, name):
    text = inspect.getdoc(importlib.import_module(f"tlx_suites.{name.replace('-', '_')}")) or ""
    assert all(f"What {words}" in text for words in ("it reproduces: ", "to expect: ", "it costs (estimated): "))
    assert f"`{name}-smoke`" in text


def test_digits_have_the_networks_and_learning_rates_of_tllib(everything):
    specs = {spec.label: spec for spec in specs_of(everything, "digits")}
    nets = {spec.task: spec.backbone for spec in specs.values() if spec.strategy != "mcd"}
    assert nets["mnist->usps"] == nets["usps->mnist"] == nets["mnist->mnist_m"] == "lenet_dropout"
    assert nets["svhn_cropped->mnist"] == nets["mnist->svhn_cropped"] == nets["syn_digits->svhn_cropped"] == "dtn"
    assert specs["mnist->usps mcd"].backbone == "lenet_mcd" and specs["svhn_cropped->mnist mcd"].backbone == "dtn_mcd"
    rates = {
        "mnist->usps": {"source_only": 0.01, "dann": 0.01, "mmd": 0.01, "adda_joint": 0.01, "mcd": 0.01},
        "usps->mnist": {"source_only": 0.1, "dann": 0.1, "mmd": 0.1, "adda_joint": 0.1, "mcd": 0.1},
        "svhn_cropped->mnist": {"source_only": 0.1, "dann": 0.03, "mmd": 0.01, "adda_joint": 0.03, "mcd": 0.03},
    }
    for task, methods in rates.items():
        assert {method: specs[f"{task} {method}"].recipe.lr for method in methods} == methods
    # (1 + gamma_step t)^-0.75 at step t of T is (1 + gamma p)^-0.75 at p = t / T with gamma = gamma_step T
    assert specs["mnist->usps dann"].recipe.gamma == pytest.approx(1e-3 * 20 * 2500)
    assert specs["mnist->usps source_only"].recipe.gamma == pytest.approx(3e-4 * 20 * 2500)
    protocols = {spec.task: spec.protocol for spec in specs.values()}
    assert protocols["mnist->usps"] == "P-full-off" and protocols["svhn_cropped->mnist"] == "P-sv-bal"


def test_each_domain_is_left_out_once_and_batches_divide_by_the_sources(everything):
    """The trap: a batch that methods which take equal blocks of each source refuse in the middle of a suite."""
    several = ("digits-five", "office-caltech10-multi", "rotated-mnist-dg", "colored-mnist")
    short = ("rotated-mnist-dg-short", "colored-mnist-short", "digits-five-smoke", "rotated-mnist-dg-smoke")
    for name in (*several, *short, "colored-mnist-smoke"):
        for spec in specs_of(everything, name):
            task = everything.get("tasks", spec.task)
            assert spec.recipe.batch % len(task.sources) == 0
            assert not set(task.sources) & set(task.targets)
    for name, domains in zip(several, (5, 4, 6, 3), strict=True):
        tasks = [everything.get("tasks", spec.task) for spec in specs_of(everything, name)]
        sides = {(frozenset(task.sources), task.targets) for task in tasks}
        every = {domain for _, target in sides for domain in target}
        assert len(every) == domains and sides == {(frozenset(every - {one}), (one,)) for one in every}
    labels = {spec.label: spec for spec in specs_of(everything, "rotated-mnist-dg")}
    assert {spec.recipe.batch for spec in labels.values()} == {5 * 64}


def test_the_code_of_cdan_and_mcd_changes_by_task(everything):
    specs = {spec.label: spec for spec in specs_of(everything, "cdan-digits") + specs_of(everything, "mcd-digits")}
    assert [specs[f"{task} cdan"].recipe.power for task in ("mnist->usps", "usps->mnist", "svhn_cropped->mnist")] == [
        10.0, 8.0, 16.0
    ]  # fmt: skip
    svhn = specs["svhn_cropped->mnist dann"]
    assert (svhn.recipe.lr, svhn.recipe.gamma, svhn.backbone) == (0.03, 0.3, "dtn")
    assert dict(svhn.settings)["gamma"] == 46.85 and dict(svhn.settings)["hidden"] == (500, 500)
    assert {label: (spec.recipe.steps, spec.backbone) for label, spec in specs.items() if label.endswith("mcd")} == {
        "mnist->usps mcd": (3000, "mcd_usps"),
        "usps->mnist mcd": (3000, "mcd_usps"),
        "svhn_cropped->mnist mcd": (93_800, "mcd_digits"),
    }


def test_the_code_of_iwdan_counts_epochs_of_the_larger_set(everything):
    """70 epochs of 64 + 64 images; the rate halved every 5 of them, 6 from USPS; 10 of gamma in 10,000 steps."""
    specs = {(spec.task, spec.protocol, spec.strategy): spec for spec in specs_of(everything, "iwdan-digits")}
    for task, protocol, rows, epochs in (
        ("mnist->usps", "P-full-off", 60_000, 5),
        ("usps->mnist", "P-full-off", 60_000, 6),
        ("mnist->usps", "P-iwdan-mnist", 38_580, 5),
        ("usps->mnist", "P-iwdan-usps", 60_000, 6),
    ):
        spec = specs[task, protocol, "iwdan"]
        assert spec.recipe.steps == 70 * (rows // 64) == specs[task, protocol, "source_only"].recipe.steps
        assert spec.recipe.power == pytest.approx(70 / epochs) and spec.recipe.rounds == 70
        assert dict(spec.settings)["gamma"] == pytest.approx(10 * spec.recipe.steps / 10_000)
    assert {spec.recipe.steps for spec in specs_of(everything, "iwdan-digits-short")} == {1_000}


def test_at_test_time_note_has_an_optimizer_and_batches_of_its_own(everything):
    specs = {(spec.strategy, spec.protocol): spec for spec in specs_of(everything, "note-cifar10-c")}
    for (strategy, _), spec in specs.items():
        recipe = spec.recipe
        test = recipe.of_phase("test", {})
        assert (recipe.optimizer, recipe.lr, recipe.batch, recipe.steps) == ("sgd", 0.1, 128, 200 * (50_000 // 128))
        assert test["batch"] == (10 if strategy == "onda" else 64)
        if strategy in ("tent", "cotta", "note"):
            assert test["optimizer"] == "adam"
            rate = test["lr"] * dict(spec.settings)["rate"]
            assert rate == pytest.approx(1e-4 if strategy == "note" else 1e-3)
    assert len(specs) == 14 and {p for _, p in specs} == {"P-note-iid", "P-note-correlated"}


def test_transfer_recipes_have_the_published_rates(everything):
    """Step 0-based t of T: p = t / T. Keras: lr / (1 + 1e-6 t); the tutorial: a tenth every 7 of 25 epochs."""

    def lr(name, progress):
        recipe = everything.get("recipes", name)
        return recipe.lr * float(schedule(recipe.schedule, recipe, recipe.traced(), jnp.float32(progress)))

    for epoch, expected in ((0, 1e-3), (6.9, 1e-3), (7.1, 1e-4), (14.1, 1e-5), (24, 1e-6)):
        assert lr("resnet18-transfer", epoch / 25) == pytest.approx(expected, rel=1e-4)
    vgg = everything.get("recipes", "vgg16-transfer")
    assert lr("vgg16-transfer", 0.5) == pytest.approx(1e-4 / (1 + 1e-6 * vgg.steps / 2), rel=1e-6) and vgg.nesterov
    for step, expected in ((250, 1.5e-3), (2999, 3e-3), (3000, 3e-4), (6000, 3e-5), (9000, 3e-6)):
        assert lr("bit-hyperrule", step / 10_000) == pytest.approx(expected, rel=1e-4)
    for step, expected in ((50, 1.5e-3), (199, 3e-3), (200, 3e-4), (300, 3e-5), (400, 3e-6)):
        assert lr("bit-hyperrule-small", step / 500) == pytest.approx(expected, rel=1e-4)


def test_recipes_carry_their_names(everything):
    entries = everything.entries("recipes")
    assert {"default", "quick", "smoke"} <= {entry.name for entry in entries}
    for entry in entries:
        assert everything.get("recipes", entry.name).name == entry.name and entry.summary
