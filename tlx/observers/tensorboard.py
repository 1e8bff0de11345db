"""Runs as TensorBoard event files. Needs tensorboardX, but no TensorFlow: `pip install 'tlx[tensorboard]'`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlx.errors import SettingError

if TYPE_CHECKING:
    from tlx.engine.train import Progress
    from tlx.runs.result import Result
    from tlx.runs.spec import Spec


class TensorBoard:
    """An observer: each seed of a run writes its event file to a folder of its own under `folder`.

    While it runs: `train/METRIC` after each round. When it has finished: `accuracy/target`, `accuracy/source_val` (of
    real targets `r2/...`) and `selector/NAME` at each evaluation, and the command and the settings as text.

    Raises:
        SettingError: tensorboardX is not installed.
    """

    def __init__(self, folder: str | Path):
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise SettingError("TensorBoard files need tensorboardX: pip install 'tlx[tensorboard]'.") from error
        self.folder, self.make = Path(folder), SummaryWriter
        self.writers: dict[str, list[Any]] = {}  # by the hash of a run that is under way

    def tlx_run_started(self, spec: "Spec") -> None:
        """Opens a file for each seed."""
        self.close(spec)
        folder = self.folder / spec.file_name
        self.writers[spec.hash] = [self.make(str(folder / f"seed{seed}"), flush_secs=10) for seed in spec.seeds]

    def tlx_round_finished(self, spec: "Spec", progress: "Progress") -> None:
        """Writes the metrics of the round."""
        for metric, values in progress.metrics.items():
            for writer, value in zip(self.writers[spec.hash], values, strict=True):
                writer.add_scalar(f"train/{metric}", value, progress.step)

    def tlx_run_finished(self, spec: "Spec", result: "Result") -> None:
        """Writes the curves, and closes the files."""
        for seed, writer in enumerate(self.writers[spec.hash]):
            writer.add_text("command", result.command)
            writer.add_text("settings", ", ".join(f"{key}={value}" for key, value in spec.settings) or "none")
            if result.error:
                writer.add_text("error", result.error)
            for point in result.curves:
                if point.target:
                    writer.add_scalar(f"{result.metric}/target", point.target[seed], point.step)
                if point.source_val:
                    writer.add_scalar(f"{result.metric or 'score'}/source_val", point.source_val[seed], point.step)
                for name, values in point.selectors.items():
                    if (value := values[seed]) is not None:
                        writer.add_scalar(f"selector/{name}", value, point.step)
        self.close(spec)

    def close(self, spec: "Spec") -> None:
        """Closes the files of a run that was interrupted, or has ended."""
        for writer in self.writers.pop(spec.hash, []):
            writer.close()
