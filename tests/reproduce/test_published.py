import dataclasses
import logging

import pytest

import tlx
from tlx.reproduce.published import published


@pytest.fixture
def registry(registry, table):
    class Tables:
        @tlx.hookimpl
        def tlx_tables(self, register):
            register(table.name, table)

    registry.add(Tables(), "tables")
    return registry


def test_each_run_is_judged_by_itself(registry, table, plan, made):
    full, short = (made(plan[1].jobs[budget].spec, (0.5, 0.5, 0.5)) for budget in ("full", "short"))
    alone = made(plan[0].jobs["full"].spec, (0.5,) * 3)
    found = published(registry, [full, short, alone])
    assert {digest: [cell["verdict"] for cell in cells] for digest, cells in found.items()} == {
        full.spec.hash: ["reproduced"],
        short.spec.hash: ["reproduced (short: 3 of 6 steps)"],
        alone.spec.hash: ["higher"],
    }
    [cell] = found[full.spec.hash]
    assert (cell["theirs"], cell["label"], cell["paper"]) == (50.5, "Shift!", "Doe et al. 2020, Table 1")


def test_what_differs_from_the_plan_stands_for_nothing(registry, plan, made):
    spec = plan[1].jobs["full"].spec
    others = [
        made(dataclasses.replace(spec, protocol="P-other"), (0.5,)),
        made(dataclasses.replace(spec, settings=(("weight", 9.0),)), (0.5,)),
        made(dataclasses.replace(spec, task="x->y"), (0.5,)),
        dataclasses.replace(made(spec, (0.5,)), status="failed", error="it broke", selections={}),
    ]
    assert published(registry, others) == {}


def test_a_table_that_cannot_be_read_is_left_out_with_a_warning(registry, table, plan, made, tmp_path, caplog):
    result = made(plan[1].jobs["full"].spec, (0.5,))
    (path := table.literature).write_text("rows: no")
    with caplog.at_level(logging.WARNING):
        assert published(registry, [result]) == {}
    assert f"The published figures of table '{table.name}' are not shown: {path}" in caplog.text
