"""What a score depends on: each kind of change is named, and the run is done again; nothing else is."""

import dataclasses
import importlib
import itertools
import os
import shutil
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tlx
from tlx import Protocol, hookimpl
from tlx.plugins import Registry
from tlx.runs import identity
from tlx.runs.identity import Identities, protocol_hash

PLUGIN = """
from tlx import hookimpl
from tlx.data import Protocol
from tlx.score import Selector
import {helper}


def small(in_shape, rngs):
    from {inner} import WIDTH
    return WIDTH


class Steps(Selector):
    def score(self, evidence):
        return {helper}.SIGN * evidence.step


@hookimpl
def tlx_backbones(register):
    register("small", small)


@hookimpl
def tlx_selectors(register):
    register("steps", Steps)


@hookimpl
def tlx_protocols(register):
    register("P-own", Protocol("P-own", "as it is", 4, 1))
"""
names = map("helper_{}".format, itertools.count())


@pytest.fixture
def changed(registry, world, tmp_path, monkeypatch, caplog):
    """Runs, lets a text of a plugin file and its helpers be changed, runs in a new session; what was run then."""
    monkeypatch.syspath_prepend(tmp_path)

    def call(part, old, new):
        helper, inner = next(names), next(names)
        texts = {
            "plugin": PLUGIN.format(helper=helper, inner=inner),
            helper: "SIGN = 1\n",
            inner: "WIDTH = 500\n",
        }

        def bench():
            for name, text in texts.items():
                (tmp_path / f"{name}.py").write_text(text)
            for name in (helper, inner):
                sys.modules.pop(name, None)
            importlib.invalidate_caches()
            world.calls.clear()
            caplog.clear()
            fresh = Registry.load([tmp_path / "plugin.py"], {"TLX_PLUGINS": ""})
            fresh.add(registry.plugin("tiny"), "tiny")
            lab = tlx.Lab(progress=False, registry=fresh)
            suite = tlx.Suite("own", ("a->b@P-own",), ("shift",), backbone="small", recipe="short", seeds=1)
            [result] = lab.bench(suite, out=tmp_path / "out")
            assert result.finished, result.traceback
            return list(world.calls)

        assert bench() == ["Shift"] and bench() == []
        where: Any = {"helper": helper, "inner": inner}.get(part, part)
        assert old in texts[where]
        texts[where] = texts[where].replace(old, new)
        ran, told = bench(), caplog.text
        assert bench() == []
        return ran, told

    return call


@pytest.mark.parametrize(
    ("part", "old", "new", "told"),
    [
        ("plugin", "return WIDTH", "return WIDTH + 1", "the code of the backbone 'small' has changed"),
        ("inner", "500", "501", "the code of the backbone 'small' has changed"),
        ("helper", "SIGN = 1", "SIGN = -1", "the code of the selector steps has changed"),
        ("plugin", "4, 1)", "4, 1, resize=8)", "protocol 'P-own' has changed"),
    ],
)
def test_what_a_score_depends_on_is_run_again_where_it_changes(changed, part, old, new, told):
    ran, log = changed(part, old, new)
    assert ran == ["Shift"] and told in log and log.count("shift on a->b: ") == log.count("run again") == 1


@pytest.mark.parametrize(("old", "new"), [("as it is", "in other words"), ("SIGN", "SIGN  # a comment\n")])
def test_words_do_not_count(changed, old, new):
    part = "plugin" if old == "as it is" else "helper"
    if part == "plugin":  # the text of the file is code, so the protocol's part alone is looked at
        assert protocol_hash(Protocol("P", old, 4, 1)) == protocol_hash(Protocol("P", new, 4, 1))
    else:
        assert changed("helper", "SIGN = 1\n", "SIGN = 1  # a comment\n")[0] == []


def test_a_protocol_counts_by_its_content():
    plain = Protocol("P", "", 8, 1)
    assert protocol_hash(plain) != protocol_hash(dataclasses.replace(plain, resize=4))
    assert protocol_hash(plain) != protocol_hash(dataclasses.replace(plain, seed=1))


def test_what_an_old_result_does_not_say_is_not_compared(registry, world, job, result, monkeypatch):
    identities = Identities(registry)
    assert identities.is_current(job, result)
    monkeypatch.setattr(identity, "protocol_hash", lambda protocol: "0" * 64)
    assert Identities(registry).changes(job, result) == ["protocol 'tiny-8' has changed"]
    assert Identities(registry).is_current(job, dataclasses.replace(result, identity={}))
    assert Identities(registry).is_current(job, dataclasses.replace(result, identity={}, data_hash=""))


def test_a_selector_that_judged_nothing_does_not_count(registry, job, result):
    other = dataclasses.replace(result, identity={**result.identity, "selector new": "0", "selector last": "0"})
    assert Identities(registry).changes(job, other) == ["the code of the selector last has changed"]


class Folders:
    @hookimpl
    def tlx_datasets(self, register):
        from tlx_datasets.folder import load

        register("folder:", load)

    @hookimpl
    def tlx_protocols(self, register):
        register("P-full-off", Protocol("P-full-off", "", None, None))


@pytest.fixture
def photos(registry, world, tmp_path, monkeypatch):
    """Two folders of images; `bench()` runs the task between them and counts what is run and loaded."""
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path / "data"))
    rng = np.random.default_rng(0)
    for domain, kind in itertools.product("ab", ("cat", "dog")):
        folder = tmp_path / domain / kind
        folder.mkdir(parents=True)
        for number in range(5):
            Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(folder / f"{number}.png")
    registry.add(Folders(), "folders")
    loads, load_task = [], identity.load_task
    monkeypatch.setattr(identity, "load_task", lambda *args: loads.append(1) or load_task(*args))
    task = f"folder:{tmp_path / 'a'}?size=8->folder:{tmp_path / 'b'}?size=8"
    suite = tlx.Suite("own", (task,), ("shift",), backbone="net", recipe="short", seeds=1)

    def bench():
        world.calls.clear()
        loads.clear()
        fresh = Registry()
        for name in ("tiny", "folders"):
            fresh.add(registry.plugin(name), name)
        [result] = tlx.Lab(progress=False, registry=fresh).bench(suite, out=tmp_path / "out")
        assert result.finished, result.traceback
        return len(world.calls), len(loads)

    assert bench() == (1, 1)
    return bench


def test_images_that_are_there_already_are_not_decoded(photos):
    assert photos() == (0, 0)


def test_changed_images_are_run_again(photos, tmp_path, caplog):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "b/cat/0.png")
    assert photos()[0] == 1 and "the data have changed since its result was written; run again" in caplog.text
    assert photos() == (0, 0)


def test_swapped_class_folders_are_run_again(photos, tmp_path, caplog):
    for old, new in (("cat", "tmp"), ("dog", "cat"), ("tmp", "dog")):
        shutil.move(tmp_path / "a" / old, tmp_path / "a" / new)
    assert photos()[0] == 1 and "the data have changed" in caplog.text


def test_images_that_were_only_touched_are_looked_at_and_not_run(photos, tmp_path):
    os.utime(tmp_path / "a/cat/0.png")
    assert photos() == (0, 1) and photos() == (0, 0)


def test_data_that_are_not_here_any_more_are_not_compared(photos, tmp_path):
    shutil.rmtree(tmp_path / "b")
    assert photos() == (0, 0)


def test_a_session_that_goes_on_takes_images_that_changed_meanwhile(photos, registry, tmp_path):
    name = f"folder:{tmp_path / 'a'}?size=8"
    first = registry.get("datasets", name)
    assert registry.get("datasets", name) is first
    (tmp_path / "a/dog/0.png").unlink()
    assert len(registry.get("datasets", name).train.y) < len(first.train.y)


def test_folders_of_long_names_are_cached_and_written(photos, lab, registry, world, tmp_path, monkeypatch):
    """The trap: data that are decoded, or a run that is trained, and then a name that no file can have."""
    monkeypatch.chdir(tmp_path)
    paths = [tmp_path / ("語" * 60) / letter for letter in "cd"]
    for path, old in zip(paths, "ab", strict=True):
        shutil.copytree(tmp_path / old, path)
    task = "->".join(f"folder:{path}?size=8" for path in paths)
    for _ in range(2):
        result = lab.run(task, "shift", backbone="net", recipe="short", seeds=1, out="runs/{task}")
        assert result.finished, result.traceback
    assert len(list(tmp_path.glob("runs/*/*.json"))) == 1
    assert len(list(tmp_path.glob("data/cache/*/meta.json"))) == 4
