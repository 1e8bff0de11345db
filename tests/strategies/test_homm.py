"""Higher-order moment matching."""

from terms import begun, check_distance

from tlx_strategies.homm import HoMM


def test_term_is_a_distance():
    check_distance(begun(HoMM(samples=50)))
