"""Joint adaptation network."""

from terms import begun, check_distance, check_weight

from tlx_strategies.jan import JAN


def test_term_is_a_distance():
    check_distance(begun(JAN()))


def test_linear_estimate_has_its_weight():
    check_weight(begun(JAN(estimator="linear")))
