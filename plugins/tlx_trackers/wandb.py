"""Runs at Weights & Biases, or offline in its folder `wandb` where WANDB_MODE=offline says so."""

from typing import Any

from tlx import SettingError
from tlx_trackers.seeds import Seeds, Values


class WandB(Seeds):
    """Runs of the Weights & Biases project WHERE, one a seed, those of one spec in a group; x is `step`.

    Raises:
        SettingError: wandb is not installed.
    """

    def __init__(self, where: str):
        super().__init__()
        try:
            import wandb  # pyright: ignore[reportMissingImports]  # an extra
        except ImportError as error:
            raise SettingError("Weights & Biases needs wandb: pip install 'tlx[wandb]'.") from error
        self.project, self.init = where, wandb.init  # pyright: ignore  # this file has its name

    def start(self, spec: Any, seed: int, facts: dict[str, Any]) -> Any:
        """Opens a run beside those that are open."""
        name = f"{spec.task} {spec.strategy} seed {seed}"
        run = self.init(project=self.project, name=name, group=spec.file_name, config=facts, reinit="create_new",
                        settings={"quiet": True})  # fmt: skip
        run.define_metric("*", step_metric="step")  # its own step cannot go back, and the curves come last
        return run

    def write(self, run: Any, values: Values, step: int) -> None:
        """Logs numbers."""
        run.log({"step": step, **values})

    def end(self, run: Any, texts: dict[str, str], failed: bool) -> None:
        """Finishes the run."""
        run.config.update(texts)
        run.finish(exit_code=int(failed))
