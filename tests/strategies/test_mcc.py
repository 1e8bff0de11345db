"""Minimum class confusion."""

from terms import begun, check_target_only

from tlx_strategies.mcc import MCC


def test_term_is_of_the_target():
    check_target_only(begun(MCC()))
