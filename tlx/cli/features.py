"""`tlx features`: a backbone run once, its features kept as datasets."""

import click

from tlx.cli.session import Session, common, pass_session


@click.command("features")
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET...")
@click.option("--backbone", required=True, help="A backbone: tlx list backbones.")
@click.option("--weights", metavar="FILE", help="Its weights; without them it is as its initialiser leaves it.")
@click.option("--protocol", default="P-full-off", show_default=True, help="How images are shown: tlx list protocols.")
@click.option("--name", metavar="EDITION", help="What they are called; by default as the backbone.")
@click.option("--rows", type=click.IntRange(1), metavar="N", help="At most N rows of each split.")
@common
@pass_session
def command(session: Session, datasets: tuple[str, ...], **options) -> None:
    """Computes features once and keeps them as datasets.

    They are then the datasets features:EDITION/DATASET, on which every strategy runs with the backbone `features`.
    """
    for dataset in session.lab().features(datasets, **options):
        rows = f"{len(dataset.train.y):,} train and {len(dataset.test.y):,} test rows"
        click.echo(f"{dataset.name}: {rows}, {dataset.train.x.shape[-1]} wide")
