import struct
import sys
from typing import Any

import pytest

from tlx.errors import SettingError
from tlx.runs.runner import Runner

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")

from tensorboardX.proto import event_pb2  # noqa: E402

from tlx_trackers.tensorboard import TensorBoard  # noqa: E402

EVENT: Any = vars(event_pb2)["Event"]  # made when imported, so that type checkers do not see it


def events(path):
    """The events of a file: records of a length (8 bytes), its checksum (4), that many bytes, and theirs (4)."""
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        found.append(EVENT.FromString(content[at + 12 : at + 12 + length]))
        at += 12 + length + 4
    return found


def scalars(folder):
    (path,) = folder.iterdir()
    values = [(event.step, value) for event in events(path) for value in event.summary.value]
    return {(value.tag, step): value.simple_value for step, value in values if value.HasField("simple_value")}


def test_each_seed_has_a_file_with_its_metrics_and_curves(registry, world, job, tmp_path):
    class Told:
        def tlx_run_started(self, spec): ...

        def tlx_round_finished(self, spec, progress):
            board.tlx_round_finished(spec, progress._replace(metrics={"loss": [0.5 + progress.step, 0.25]}))

        def tlx_run_finished(self, spec, result): ...

    board = TensorBoard(tmp_path)
    with registry.observing(board, Told()):
        result = Runner(registry)(job)
    (run,) = tmp_path.iterdir()
    assert run.name.startswith("a-b.shift.") and sorted(path.name for path in run.iterdir()) == ["seed0", "seed1"]
    for seed in range(2):
        found = scalars(run / f"seed{seed}")
        for point in result.curves:
            assert found["accuracy/target", point.step] == pytest.approx(point.target[seed])
            assert found["accuracy/source_val", point.step] == pytest.approx(point.source_val[seed])
            assert found["selector/last", point.step] == point.step
            assert found["train/loss", point.step] == [0.5 + point.step, 0.25][seed]
    assert board.going == {}


def test_a_failed_run_leaves_whole_files(registry, world, job, job_of, tmp_path):
    world.fails["Shift"] = RuntimeError("boom")
    for run in (job, job_of(seeds=1)):
        with registry.observing(TensorBoard(tmp_path)):
            Runner(registry)(run)
    for path in tmp_path.glob("*/seed0/*"):
        tags = [value.tag for event in events(path) for value in event.summary.value]
        assert any(tag.startswith("error") for tag in tags)


def test_without_tensorboardx_it_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(SettingError, match=r"pip install 'tlx\[tensorboard\]'"):
        TensorBoard(tmp_path)
