"""The names of a tree's leaves."""


def path_of(path: tuple) -> str:
    """The path of a leaf in a tree of dicts, parts joined by "/": "features/conv1/kernel"."""
    return "/".join(str(getattr(part, "key", part)) for part in path)
