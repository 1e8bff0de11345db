"""Raw files: found, taken from a folder, downloaded from a server on loopback that is good, slow, broken or wrong."""

import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tlx.errors import DataAbsent, DataError
from tlx.store import File, download, fetch

BYTES = np.random.default_rng(0).bytes(300_000)


class Handler(BaseHTTPRequestHandler):
    """/good, /whole (no ranges), /wrong, /empty, /short (half of what is asked for), /drop, /hang; else 404."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self):
        kind, asked = self.path.strip("/").split("/")[0], self.headers.get("Range")
        self.asked.append((kind, asked))
        body = {"wrong": BYTES[::-1], "empty": b""}.get(kind, BYTES)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and kind != "whole" else 0
        if kind not in ("good", "whole", "wrong", "empty", "short", "drop", "hang"):
            return self.send_error(404)
        if start and start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        body = body[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: (len(body) + 1) // 2] if kind in ("short", "drop", "hang") else body)
        if kind == "hang":
            self.wfile.flush()
            time.sleep(1.0)
        if kind == "drop":
            self.connection.shutdown(2)

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=lambda: running.serve_forever(poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def asked() -> list[tuple[str, str | None]]:
    Handler.asked.clear()
    return Handler.asked


def file(*urls: str, data: bytes = BYTES, size: bool = True) -> File:
    return File("raw.bin", hashlib.sha256(data).hexdigest(), urls, len(data) if size else None)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"raw.bin.lock"}


@pytest.mark.parametrize("size", [True, False])
@pytest.mark.parametrize("kind", ["good", "whole"])
def test_a_good_host(server, tmp_path, asked, kind, size):
    seen = []
    path = fetch(file(f"{server}/{kind}", size=size), tmp_path / "toy", progress=lambda *told: seen.append(told[1:]))
    assert path == tmp_path / "toy/raw.bin" and path.read_bytes() == BYTES
    assert seen[-1] == (len(BYTES), len(BYTES)) and names(path.parent) == {"raw.bin"}
    fetch(file(f"{server}/{kind}"), tmp_path / "toy")
    assert asked == [(kind, None)]  # the second time it lies there


@pytest.mark.parametrize("size", [True, False])
@pytest.mark.parametrize(("kind", "range"), [("good", "bytes=1000-"), ("whole", "bytes=1000-")])
def test_a_part_is_gone_on_with(server, tmp_path, asked, kind, range, size):
    (tmp_path / "raw.bin.part").write_bytes(BYTES[:1000])
    assert fetch(file(f"{server}/{kind}", size=size), tmp_path).read_bytes() == BYTES
    assert asked == [(kind, range)] and names(tmp_path) == {"raw.bin"}


def test_a_whole_part_needs_no_host(tmp_path):
    (tmp_path / "raw.bin.part").write_bytes(BYTES)
    assert fetch(file("http://127.0.0.1:1/dead"), tmp_path).read_bytes() == BYTES


@pytest.mark.parametrize("part", [b"something else", BYTES + b"more"])
def test_a_part_of_something_else_is_dropped(server, tmp_path, part):
    (tmp_path / "raw.bin.part").write_bytes(part)
    assert fetch(file(f"{server}/good", size=False), tmp_path).read_bytes() == BYTES
    assert names(tmp_path) == {"raw.bin"}


@pytest.mark.parametrize("kind", ["short", "drop"])
def test_a_cut_download_is_told_and_the_next_host_goes_on(server, tmp_path, asked, kind):
    with pytest.raises(
        DataAbsent, match=f"{server}/{kind}: stopped after 262500 of 300000 bytes; the next try goes on"
    ):
        fetch(file(f"{server}/{kind}"), tmp_path)
    assert names(tmp_path) == {"raw.bin.part"} and [ask[1] for ask in asked] == [None, "bytes=150000-", "bytes=225000-"]
    assert fetch(file(f"{server}/good"), tmp_path).read_bytes() == BYTES
    assert asked[-1] == ("good", "bytes=262500-") and names(tmp_path) == {"raw.bin"}


def test_a_host_that_falls_silent_is_left(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.1)
    monkeypatch.setattr(download, "TRIES", 1)
    with pytest.raises(DataAbsent, match="/hang: TimeoutError: timed out"):
        fetch(file(f"{server}/hang"), tmp_path)
    assert (tmp_path / "raw.bin.part").read_bytes() == BYTES[:150_000]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (
            "wrong",
            f"SHA-256 is {hashlib.sha256(BYTES[::-1]).hexdigest()}; expected {hashlib.sha256(BYTES).hexdigest()}",
        ),
        ("empty", r"an empty file \(0 bytes\)"),
        ("none", "HTTP 404 Not Found"),
    ],
)
def test_a_bad_host_is_told_and_leaves_nothing(server, tmp_path, kind, reason):
    with pytest.raises(DataAbsent, match=f"\n  {server}/{kind}: {reason}") as error:
        fetch(file(f"{server}/{kind}"), tmp_path / "toy")
    assert f"The file raw.bin is not at {tmp_path}/toy/raw.bin" in str(error.value)
    assert f"tlx data prepare toy --from DIR, where DIR holds a file with SHA-256 {file().sha256}" in str(error.value)
    assert names(tmp_path / "toy") == set()


def test_mirrors_are_tried_in_order_and_each_reason_is_told(server, tmp_path, asked):
    dead = ("http://127.0.0.1:1/dead", "no-url", f"{server}/none", f"{server}/wrong")
    assert fetch(file(*dead, f"{server}/good", f"{server}/whole"), tmp_path).read_bytes() == BYTES
    assert asked == [("none", None), ("wrong", None), ("good", None)]
    with pytest.raises(DataAbsent) as error:
        fetch(file(*dead), tmp_path / "other")
    for told in ("dead: URLError: ", "no-url: ValueError: unknown url type", "none: HTTP 404", "wrong: SHA-256 is"):
        assert told in str(error.value)


@pytest.mark.parametrize("name", ["raw.bin", "deeper/raw.bin", "another name"])
def test_a_given_folder_comes_before_the_hosts(tmp_path, asked, name):
    given = tmp_path / "given"
    (given / name).parent.mkdir(parents=True)
    (given / "other").write_bytes(BYTES[::-1])
    (given / name).write_bytes(BYTES)
    path = fetch(file("http://127.0.0.1:1/dead"), tmp_path / "toy", given)
    assert path.read_bytes() == BYTES and names(path.parent) == {"raw.bin"}
    assert (given / name).exists()


def test_a_given_folder_without_the_file_is_told(tmp_path):
    given = tmp_path / "given"
    given.mkdir()
    with pytest.raises(DataAbsent, match=f"{given}: no file of this name or hash"):
        fetch(file(), tmp_path / "toy", given)
    (given / "raw.bin").write_bytes(b"")
    with pytest.raises(DataAbsent, match=r"given/raw.bin: an empty file \(0 bytes\)"):
        fetch(file(), tmp_path / "toy", given)
    (given / "raw.bin").write_bytes(BYTES[:10])
    with pytest.raises(DataAbsent, match="given/raw.bin: 10 bytes; expected 300000"):
        fetch(file(), tmp_path / "toy", given)


def test_a_damaged_file_is_replaced(server, tmp_path):
    (tmp_path / "raw.bin").write_bytes(BYTES[:-1])
    with pytest.raises(DataAbsent, match="raw.bin: 299999 bytes; expected 300000"):
        fetch(file(), tmp_path)
    assert fetch(file(f"{server}/good"), tmp_path).read_bytes() == BYTES


def test_folders_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(DataError, match="'.*/none' is not a folder; expected one that holds raw.bin"):
        fetch(file(), tmp_path, tmp_path / "none")
    (tmp_path / "taken").write_text("")
    with pytest.raises(DataError, match="taken/toy/raw.bin: cannot be written: "):
        fetch(file(), tmp_path / "taken/toy")


def test_two_at_once_download_once(server, tmp_path, asked):
    threads = [threading.Thread(target=fetch, args=(file(f"{server}/good"), tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "raw.bin").read_bytes() == BYTES and asked == [("good", None)]
