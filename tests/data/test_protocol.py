"""Protocols and draws check themselves; every error names what was got and what was expected."""

import dataclasses
import re

import pytest

from tlx.data import Dirichlet, Draw, Protocol
from tlx.errors import DataError

P = Protocol("P", "a protocol", 4, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "P 1"}, "Protocol 'P 1': an id; expected letters, digits and _, with . or - inside"),
        ({"size": 0}, "Protocol 'P': size 0; expected 1 or more pixels"),
        ({"channels": 4}, "Protocol 'P': channels 4; expected 1, 3 or None"),
        ({"std": 0.0}, "Protocol 'P': std 0.0; expected more than 0"),
        ({"std": (0.5, 0.0, 0.5), "channels": 3}, "Protocol 'P': std (0.5, 0.0, 0.5); expected more than 0"),
        ({"mean": (0.5, 0.5), "channels": 3}, "mean (0.5, 0.5) with channels 3; expected one number, or one for each"),
        ({"mean": (0.5, 0.5, 0.5)}, "mean (0.5, 0.5, 0.5) with channels None; expected one number"),
        ({"shots": 0}, "Protocol 'P': shots 0; expected 1 or more, or None for all"),
        ({"classes": ("a",)}, "classes ('a',); expected two or more different names"),
        ({"classes": ("a", "a")}, "classes ('a', 'a'); expected two or more different names"),
        ({"pooled": 1.0}, "Protocol 'P': pooled 1.0; expected a share between 0 and 1"),
        ({"validation": 0.0}, "Protocol 'P': validation 0.0; expected a share between 0 and 1"),
        (
            {"stream": "sorted"},
            "Protocol 'P': stream 'sorted'; expected 'shuffled' or 'stored' or 'class' or 'dirichlet'",
        ),
        ({"stream": "dirichlet"}, "concentration None with stream 'dirichlet'; expected a number above 0 with"),
        ({"concentration": 0.1}, "concentration 0.1 with stream 'shuffled'; expected a number above 0 with stream"),
        ({"stream": "dirichlet", "concentration": 0.0}, "concentration 0.0; expected a number above 0"),
        ({"labels": ("a", "b")}, "Protocol 'P': labels ('a', 'b'); expected a tlx.data.LabelSpace, or None"),
        ({"scored": "val"}, "Protocol 'P': scored 'val'; expected 'test' or 'train'"),
    ],
)
def test_a_protocol_refuses(changes, message):
    with pytest.raises(DataError, match=re.escape(message)):
        dataclasses.replace(P, **changes)


@pytest.mark.parametrize(
    ("how", "rows", "message"),
    [
        ("ballanced", 3, "Draw of 'd': how is 'ballanced'; nearest: balanced"),
        ("random", None, "Draw of 'd': None rows (random); expected 1 or more"),
        ("first", 0, "Draw of 'd': 0 rows (first); expected 1 or more"),
        ("balanced", -1, "Draw of 'd': -1 rows (balanced)"),
    ],
)
def test_a_draw_refuses(how, rows, message):
    with pytest.raises(DataError, match=re.escape(message)):
        Draw("d", how, rows)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"prior": None},
            "Draw of 'd': prior is None; expected Dirichlet, LongTail, Pareto, Tweaked or a list of shares",
        ),
        ({"prior": (0.5, 0.6)}, "Draw of 'd': prior is (0.5, 0.6); expected shares of 0 to 1 that sum to 1"),
        ({"prior": [1.5, -0.5]}, "Draw of 'd': prior is (1.5, -0.5); expected shares"),
        ({"prior": Dirichlet(1.0), "splits": ("val",)}, "Draw of 'd': splits ('val',); expected of 'train' and 'test'"),
        ({"prior": Dirichlet(1.0), "how": "random", "rows": 3}, "Draw of 'd': a prior with how 'random'"),
    ],
)
def test_a_draw_by_a_prior_refuses(more, message):
    with pytest.raises(DataError, match=re.escape(message)):
        Draw(**{"dataset": "d", "how": "prior", **more})


def test_shots_are_told_in_id_and_summary():
    few = P.with_shots(10)
    assert (few.id, few.shots) == ("P/10", 10) and few.summary == "a protocol; 10 labelled target rows per class"


def test_an_edition_stands_for_a_dataset():
    other = dataclasses.replace(P, editions=(("usps", "usps_pkl"),))
    assert (other.edition("usps"), other.edition("mnist")) == ("usps_pkl", "mnist")
