"""Weights of the Hugging Face hub: one file of one revision, by HTTPS, kept in the cache and checked by SHA-256."""

import logging
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import NamedTuple

from tlx.errors import DataAbsent, DataError, WeightsError
from tlx.store.cache import home
from tlx.store.download import TIMEOUT, download
from tlx.store.file import File, mismatch

log = logging.getLogger("tlx")

PREFIX = "hf:"
FORM = "hf:OWNER/NAME[@REVISION][/FILE][#SHA256]"
PART = r"[A-Za-z0-9][\w.-]*"  # no part of a path may lead out of the cache
SOURCE = re.compile(
    rf"hf:(?P<repo>{PART}/{PART})(@(?P<revision>{PART}))?(/(?P<file>{PART}(/{PART})*))?(#(?P<sha>[0-9a-f]{{64}}))?"
)


ENDPOINT = re.compile(r"https?://[\w\[]")


class Place(NamedTuple):
    """One file of the hub; `sha256` is "" unless the source gives it."""

    repo: str
    revision: str
    file: str
    sha256: str

    @property
    def url(self) -> str:
        """Its address. Raises WeightsError where HF_ENDPOINT is none."""
        endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        if not ENDPOINT.match(endpoint):
            raise WeightsError(f"HF_ENDPOINT is '{endpoint}'; expected an address, as https://huggingface.co")
        return f"{endpoint.rstrip('/')}/{self.repo}/resolve/{self.revision}/{urllib.parse.quote(self.file)}"

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return home() / "weights" / self.repo.replace("/", "--") / self.revision / self.file


def parse(source: str) -> Place:
    """The place that a source names: the revision "main" and the file "model.safetensors" unless it says otherwise.

    Raises:
        WeightsError: it is not of that form.
    """
    found = SOURCE.fullmatch(source)
    if found is None or ".." in source:
        raise WeightsError(f"Weights '{source}' are not of the form {FORM}")
    return Place(found["repo"], found["revision"] or "main", found["file"] or "model.safetensors", found["sha"] or "")


def fetch(source: str) -> Path:
    """The file of a source on this machine, downloaded unless it is there with the hash that the hub gives.

    What is there already is taken, and told, where the hub does not answer. `HF_ENDPOINT` names another host.

    Raises:
        WeightsError: the text is not of the form `FORM`, nor HF_ENDPOINT an address; the hub gives no hash, and the
            text has none.
        DataAbsent: it is not here and cannot be had.
    """
    from filelock import FileLock

    place = parse(source)
    path = place.path
    try:
        sha = place.sha256 or _told(place)
    except DataError as error:
        if not path.exists():
            raise DataAbsent(
                f"Weights '{source}': {place.url}: {error}\nBy hand: download that file, and name it by its path"
            ) from error
        log.warning("%s: %s; the file that is here is taken: %s", source, error, path)
        return path
    file = File(path.name, sha)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.exists() or mismatch(file, path) is not None:
                log.info("%s: from %s", path, place.url)
                download(file, place.url, path)
    except DataError as error:
        raise DataAbsent(f"Weights '{source}': {place.url}: {error}") from error
    except OSError as error:
        raise WeightsError(f"Weights '{source}': {path} cannot be written: {error}") from error
    return path


class _Stay(urllib.request.HTTPRedirectHandler):
    """Does not follow: the hub's own answer has the hash, that of the host it redirects to has not."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        return None


def _told(place: Place) -> str:
    """The SHA-256 that the hub gives for a file kept in its large-file storage."""
    request = urllib.request.Request(place.url, method="HEAD", headers={"User-Agent": "tlx"})
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=TIMEOUT) as answer:
            headers = answer.headers
    except urllib.error.HTTPError as error:
        if error.code not in (301, 302, 303, 307, 308):
            raise DataError(f"HTTP {error.code} {error.reason}") from error
        headers = error.headers
    except (OSError, ValueError) as error:
        raise DataError(f"{type(error).__name__}: {getattr(error, 'reason', None) or error}") from error
    sha = (headers.get("X-Linked-ETag") or "").strip('"')
    if not re.fullmatch(r"[0-9a-f]{64}", sha):
        raise WeightsError(f"{place.url}: the hub gives no SHA-256 for this file; add #SHA256 to the source")
    return sha
