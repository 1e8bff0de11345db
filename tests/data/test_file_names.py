import pytest

from tlx.data.file_names import file_word


@pytest.mark.parametrize("letter", ["a", "é", "語", "𐍈"])
def test_a_long_name_is_cut_to_bytes_and_told_apart_by_a_hash(letter):
    one, other = letter * 300 + "1", letter * 300 + "2"
    assert file_word(one, 100) != file_word(other, 100)
    assert 90 < len(file_word("a" + one, 100).encode()) <= 100


def test_a_name_that_is_short_enough_stays():
    assert file_word("a->b/10") == "a-b-10"
    assert file_word("x" * 100, 100) == "x" * 100


def test_names_that_differ_in_what_a_file_cannot_have_are_told_apart_where_they_are_cut():
    assert file_word("/" + "x" * 300) != file_word("?" + "x" * 300)
