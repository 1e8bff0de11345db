"""Names of datasets and tasks as parts of names of files, which are at most 255 bytes long."""

import hashlib
import re


def file_word(name: str, most: int = 200, kept: str = r"\w.+") -> str:
    """A name as part of the name of a file: "a->b/10" is "a-b-10". `kept` are the characters that stay.

    Where it has more than `most` bytes in UTF-8, its beginning and a hash of the name.
    """
    word = re.sub(f"[^{kept}]+", "-", name)
    if len(word.encode()) <= most:
        return word
    mark = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:12]
    return f"{word.encode()[: most - len(mark) - 1].decode(errors='ignore')}-{mark}"
