"""Runs on an MLflow server, in its database, or in a folder."""

from typing import Any

from tlx import SettingError
from tlx_trackers.seeds import Seeds, Values

EXPERIMENT = "tlx"  # of a run that is of no suite
LONGEST = 5000  # characters of a tag: MLflow's own limit


class MLflow(Seeds):
    """Runs of the MLflow store WHERE (http://..., sqlite:///..., a folder), one a seed, in the experiment of the suite.

    Raises:
        SettingError: mlflow is not installed.
    """

    def __init__(self, where: str):
        super().__init__()
        try:
            from mlflow import MlflowClient  # pyright: ignore  # an extra, and this file has its name
        except ImportError as error:
            raise SettingError("MLflow needs mlflow: pip install 'tlx[mlflow]'.") from error
        self.client = MlflowClient(where)
        self.client.search_experiments(max_results=1)  # a wrong address shows before the runs

    def start(self, spec: Any, seed: int, facts: dict[str, Any]) -> str:
        """Creates a run."""
        name = spec.suite or EXPERIMENT
        found = self.client.get_experiment_by_name(name)
        experiment = found.experiment_id if found else self.client.create_experiment(name)
        run = self.client.create_run(experiment, run_name=f"{spec.task} {spec.strategy} seed {seed}").info.run_id
        for key, value in facts.items():
            self.client.log_param(run, key, value)
        return run

    def write(self, run: str, values: Values, step: int) -> None:
        """Logs metrics."""
        for name, value in values.items():
            self.client.log_metric(run, name, value, step=step)

    def end(self, run: str, texts: dict[str, str], failed: bool) -> None:
        """Terminates the run."""
        for name, text in texts.items():
            self.client.set_tag(run, name, text[:LONGEST])
        self.client.set_terminated(run, "FAILED" if failed else "FINISHED")
