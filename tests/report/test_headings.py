from tlx.report.headings import headings


def test_what_all_share_is_said_once():
    columns = [
        ("features:x/office:a->features:x/office:b", "P", "net"),
        ("features:x/office:b->features:x/office:c", "P", "net"),
    ]
    made = headings(columns)
    assert list(made.texts.values()) == ["a->b", "b->c"] and not made.numbered
    assert made.notes == [
        "protocol of all: P",
        "backbone of all: net",
        "names of domains begin with features:x/office:",
    ]


def test_what_differs_is_in_the_heading():
    columns = [("a->b", "P", "net"), ("a->b", "P", "wide"), ("a+c->b", "P", "net")]
    made = headings(columns)
    assert list(made.texts.values()) == ["a->b (net)", "a->b (wide)", "a+c->b (net)"]
    assert made.notes == ["protocol of all: P"]


def test_names_that_begin_alike_are_cut_at_a_sign_only():
    assert list(headings([("mnist->mnist_m", "P", "net")]).texts.values()) == ["mnist->mnist_m"]
    assert list(headings([("x/mnist+x/mnist_m->x/usps", "P", "net")]).texts.values()) == ["mnist+mnist_m->usps"]
    assert list(headings([("cifar10/100", "P", "net")]).texts.values()) == ["cifar10/100"]


def test_long_headings_are_numbers_and_the_notes_say_of_what():
    long = ("folder:/data/" + "p" * 50 + "->folder:/data/q", "P", "net")
    made = headings([("folder:/data/r->folder:/data/q", "P", "net"), long])
    assert list(made.texts.values()) == ["T1", "T2"] and made.numbered
    assert made.notes[-2:] == ["T1: r->q", f"T2: {'p' * 50}->q"]
    assert list(headings([long]).texts.values()) == ["p" * 50 + "->q"], "there is nothing to tell one column from"
