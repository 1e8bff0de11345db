"""Central moment discrepancy."""

import pytest
from terms import begun, check_distance

from tlx_strategies.cmd import CMD


@pytest.mark.parametrize("strategy", [CMD(), CMD(bound="tanh")], ids=["sigmoid", "tanh"])
def test_term_is_a_distance(strategy):
    check_distance(begun(strategy))
