"""A false alarm of CPython's parser ends no run; a true error passes."""

import ast

import pytest

from tlx.syntax import syntax_tree


def test_a_false_alarm_is_tried_again(monkeypatch):
    parse, alarms = ast.parse, [SystemError("AST constructor recursion depth mismatch (before=51, after=45)")] * 2

    def once_more(text, mode):
        if alarms:
            raise alarms.pop()
        return parse(text, mode=mode)

    monkeypatch.setattr(ast, "parse", once_more)
    assert ast.unparse(syntax_tree(b"a = 1")) == "a = 1"
    assert ast.literal_eval(syntax_tree("(1, 2)", "eval")) == (1, 2)


def test_what_is_no_python_is_said():
    with pytest.raises(SyntaxError):
        syntax_tree("a +")
