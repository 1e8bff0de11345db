"""The tables that come with tlx, and the literature behind them."""

from pathlib import Path

import pytest

from tlx import Overrides, PaperTable
from tlx.errors import SettingError
from tlx.plugins import Registry
from tlx.reproduce import read, unknown
from tlx.reproduce.figures import plan_runs

FOLDER = Path(__file__).parents[2] / "benchmarks/literature"
TABLES = (
    *("tllib-digits", "kl-digits", "kl-rotated-mnist", "shot-digits", "dirt-t", "adda", "self-ensembling"),
    *("few-shot-digits", "osbp-digits", "asa-digits", "iwdan-digits", "note-cifar10-c", "domainbed-digits"),
)


@pytest.fixture(scope="module")
def everything():
    return Registry.load(environ={})


@pytest.fixture(scope="module")
def plans(everything):
    """By table, its planned figures by task, method and variant."""
    plans = {}
    for entry in everything.entries("tables"):
        table = everything.get("tables", entry.name)
        if not isinstance(table, PaperTable):
            continue
        found = plan_runs(everything, table, read(table.literature))
        plans[entry.name] = {(item.figure.task, item.figure.method, item.figure.variant): item for item in found}
    return plans


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_file_of_figures_holds_to_the_schema(everything, path):
    found = read(path)
    assert found.paper and found.table and found.source and found.figures
    assert unknown(found, everything) == []
    used = {(kind, getattr(figure, kind[:-1])) for figure in found.figures for kind in found.external}
    listed = {(kind, name) for kind, names in found.external.items() for name in names}
    assert listed <= used, "an external name that no row has"


def test_some_figures_by_hand():
    """One of each file that is run, as printed."""
    expected = {
        "tllib_digits": ("usps->mnist", "adda_joint", 98.3),
        "kl_digits": ("svhn_cropped->mnist", "kl", 92.5),
        "kl_rotated_mnist": ("rotated_mnist:0->rotated_mnist:45", "kl", 93.4),
        "shot_digits": ("usps->mnist", "shot_im", 98.0),
        "few_shot_digits": ("mnist->usps/5", "d_sne", 93.07),
        "dirt_t": ("stl10->cifar10", "vada", 73.5),
        "adda": ("mnist->usps", "adda", 89.4),
        "self_ensembling": ("mnist->usps", "mean_teacher", 98.26),
        "osbp_digits": ("usps->mnist", "osbp", 92.3),
        "asa_digits": ("usps->mnist", "sdann", 90.63),
        "iwdan_digits": ("usps->mnist", "iwcdan", 95.90),
        "note_cifar10_c": ("cifar10->cifar10_c:fog/5", "note", 78.9),
        "domainbed_digits": ("colored_mnist:90+colored_mnist:80->colored_mnist:-90", "irm", 10.2),
        "simclr_b5_cifar10": ("imagenet->cifar10", "fine_tune", 97.5),
    }
    for name, (task, method, value) in expected.items():
        found = [figure.value for figure in read(FOLDER / f"{name}.yaml").figures if figure.task == task
                 and figure.method == method]  # fmt: skip
        assert found[0] == value, name


def test_every_table_names_itself(everything):
    entries = everything.entries("tables")
    assert {*TABLES, "label-shift-mnist", "simclr-b5-cifar10"} <= {entry.name for entry in entries}
    for entry in entries:
        assert everything.get("tables", entry.name).name == entry.name and entry.summary.endswith(".")


@pytest.mark.parametrize("name", TABLES)
def test_the_full_budget_is_on_the_papers_network_and_protocol(plans, name):
    run = [item for item in plans[name].values() if "full" in item.jobs]
    assert run and not any(item.is_ablation("full") for item in run)


def test_short_budgets_of_kl_are_ablations_and_others_are_not(plans):
    for name in TABLES:
        short = [item.is_ablation("short") for item in plans[name].values() if "short" in item.jobs]
        assert set(short) <= {name.startswith("kl-")}


def test_shot_spends_thirty_epochs_on_each_domain(plans):
    for task, source in (("mnist->usps", 30 * 938), ("usps->mnist", 30 * 117)):
        spec = plans["shot-digits"][task, "shot", ""].jobs["full"].spec
        share = dict(spec.settings)["pretrain"]
        assert spec.recipe.steps == 30 * (938 + 117)
        assert isinstance(share, float) and share * spec.recipe.steps == pytest.approx(source, rel=5e-3)
        assert dict(spec.settings)["augment"] == (task == "usps->mnist")


def test_kl_takes_the_papers_two_halves(plans):
    item = plans["kl-rotated-mnist"]["rotated_mnist:0->rotated_mnist:45", "kl", ""]
    assert (
        item.jobs["full"].spec.backbone == "kl_net_probabilistic"
        and dict(item.jobs["full"].spec.settings)["width"] == 0
    )
    assert item.jobs["short"].spec.backbone == "lenet"


def test_domainbed_runs_at_its_defaults_and_none_of_its_alignments_of_sources(plans):
    """The trap: `dann` of tlx, which sees the target, beside a figure of methods that do not."""
    plan = plans["domainbed-digits"]
    run = {method for (_, method, _), item in plan.items() if item.jobs}
    assert run == {"source_only", "irm", "group_dro"} and len(plan) == 14 * 9
    for (task, method, _), item in plan.items():
        for job in item.jobs.values():
            assert job.spec.recipe.batch % (1 + task.count("+")) == 0
            assert method != "irm" or dict(job.spec.settings)["weight"] == 100.0
    full = plan["colored_mnist:90+colored_mnist:80->colored_mnist:-90", "irm", ""].jobs["full"].spec
    assert full.recipe.steps * dict(full.settings)["warm"] == 500 and full.recipe.batch == 2 * 64


def test_instance_norm_is_a_variant(plans):
    backbones = {
        v: plans["dirt-t"]["cifar10->stl10", "vada", v].jobs["full"].spec.backbone for v in ("", "no instance norm")
    }
    assert backbones == {"": "dirt_t_large_in", "no instance norm": "dirt_t_large"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suites": {"long": ("s",)}}, "budget 'long'; expected one of full, short"),
        ({"variants": {"s": "x"}}, "a variant of suite 's'"),
        ({"overrides": Overrides({"mmd": {"tolerance": -1.0}})}, "a tolerance of -1.0 points"),
        ({"overrides": Overrides({"mmd": {"steps": 1}})}, "overrides has 'steps'; expected tolerance"),
    ],
)
def test_a_table_that_makes_no_sense(change, message):
    with pytest.raises(SettingError, match=message):
        PaperTable("t", "t.yaml", "last", 1.0, **change)
