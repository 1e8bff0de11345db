"""The trackers that come with tlx."""

from tlx import hookimpl


@hookimpl
def tlx_trackers(register):
    """Registers the trackers; each is imported when first used."""
    register("tensorboard", "tlx_trackers.tensorboard:TensorBoard")
    register("wandb", "tlx_trackers.wandb:WandB")
    register("mlflow", "tlx_trackers.mlflow:MLflow")
