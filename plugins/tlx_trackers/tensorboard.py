"""Runs as TensorBoard event files, without TensorFlow."""

from pathlib import Path
from typing import Any

from tlx import SettingError
from tlx_trackers.seeds import Seeds, Values


class TensorBoard(Seeds):
    """Event files, each seed's in a folder of its own under WHERE.

    Raises:
        SettingError: tensorboardX is not installed.
    """

    def __init__(self, where: str):
        super().__init__()
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise SettingError("TensorBoard files need tensorboardX: pip install 'tlx[tensorboard]'.") from error
        self.folder, self.make = Path(where), SummaryWriter

    def start(self, spec: Any, seed: int, facts: dict[str, Any]) -> Any:
        """Opens a file."""
        writer = self.make(str(self.folder / spec.file_name / f"seed{seed}"), flush_secs=10)
        writer.add_text("settings", ", ".join(f"{key}={value}" for key, value in facts.items()))
        return writer

    def write(self, run: Any, values: Values, step: int) -> None:
        """Writes scalars."""
        for name, value in values.items():
            run.add_scalar(name, value, step)

    def end(self, run: Any, texts: dict[str, str], failed: bool) -> None:
        """Closes the file."""
        for name, text in texts.items():
            run.add_text(name, text)
        run.close()
