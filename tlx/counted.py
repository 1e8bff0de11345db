"""Numbers of things, in words."""


def counted(count: int, noun: str) -> str:
    """A number and a noun, in the plural but for 1: "1 cell", "2 cells"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
