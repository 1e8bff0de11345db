"""The hub, served from loopback: hash in its headers, redirects, revisions, and no answer."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tlx.errors import DataAbsent, WeightsError
from tlx.weights import read
from tlx.weights.hub import parse


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub: a redirect with the hash to large files, which another path serves."""

    body: ClassVar[bytes] = b""
    sha: ClassVar[str] = ""
    asked: ClassVar[list[tuple[str, str]]] = []

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        self.asked.append((self.command, self.path))
        if self.path.startswith("/storage"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)
        elif self.path.startswith("/timm/net/resolve/"):
            self.send_response(302)
            self.send_header("Location", "/storage")
            if self.sha:
                self.send_header("X-Linked-ETag", f'"{self.sha}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_error(404)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def hub(file, tmp_path, monkeypatch) -> Iterator[type[Hub]]:
    Hub.body, Hub.asked = file.read_bytes(), []
    Hub.sha = hashlib.sha256(Hub.body).hexdigest()
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path / "home"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as running:
        thread = threading.Thread(target=lambda: running.serve_forever(poll_interval=0.01))
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{running.server_port}/")
        yield Hub
        running.shutdown()
        thread.join()


def gets(hub):
    return [path for command, path in hub.asked if command == "GET"]


def test_downloaded_once(hub, tensors):
    assert read("hf:timm/net").keys() == tensors.keys()
    assert gets(hub) == ["/timm/net/resolve/main/model.safetensors", "/storage"]
    read("hf:timm/net")
    assert len(gets(hub)) == 2


def test_revision_and_file(hub):
    read("hf:timm/net@v1.2/sub/other.safetensors")
    assert gets(hub)[0] == "/timm/net/resolve/v1.2/sub/other.safetensors"


def test_what_has_another_hash_is_refused(hub):
    hub.sha = "0" * 64
    with pytest.raises(DataAbsent, match="SHA-256 is .*; expected 0000"):
        read("hf:timm/net")


def test_a_hash_may_be_given_where_the_hub_has_none(hub):
    sha, hub.sha = hub.sha, ""
    with pytest.raises(WeightsError, match="gives no SHA-256 for this file; add #SHA256"):
        read("hf:timm/net")
    read(f"hf:timm/net#{sha}")


def test_what_is_here_is_taken_where_the_hub_does_not_answer(hub, monkeypatch, caplog):
    read("hf:timm/net")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    read("hf:timm/net")
    assert "the file that is here is taken" in caplog.text
    with pytest.raises(DataAbsent, match="Weights 'hf:timm/other': (.|\n)*By hand: download that file"):
        read("hf:timm/other")


def test_a_repository_that_is_not_there(hub):
    with pytest.raises(DataAbsent, match="hf:timm/nothing.*HTTP 404"):
        read("hf:timm/nothing")


@pytest.mark.parametrize("source", ["hf:timm", "hf:timm/../../x", "hf:timm/net@/x", "hf:timm/net/../../x", "hf:a/b#12"])
def test_what_names_no_file_of_the_hub(source):
    with pytest.raises(WeightsError, match="not of the form hf:OWNER/NAME"):
        parse(source)


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp://x", "https://", "file:///etc/passwd"])
def test_an_endpoint_that_is_no_address_is_named(monkeypatch, endpoint):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(WeightsError, match=f"HF_ENDPOINT is '{endpoint}'; expected an address"):
        read("hf:a/b")
