"""`tlx rank`: which backbone and which source will transfer, before any training."""

import json

import click

from tlx.cli.session import Session, common, names, pass_session
from tlx.errors import SettingError


def _pairs(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    if odd := [text for text in value if not all(text.partition("=")[::2])]:
        raise SettingError(f"--weights is '{odd[0]}'; expected BACKBONE=FILE.")
    return {name: file for name, _, file in (text.partition("=") for text in value)}


@click.command("rank")
@click.option("--target", required=True, metavar="DATASET", help="The dataset to transfer to; its labels are used.")
@click.option("--backbones", required=True, callback=names, metavar="A,B",
              help="Backbones, or cached features as features:EDITION.")  # fmt: skip
@click.option("--sources", callback=names, metavar="X,Y", help="Source domains; without them backbones are ranked.")
@click.option("--weights", multiple=True, callback=_pairs, metavar="BACKBONE=FILE",
              help="A backbone's weights; repeatable. Without them it has random ones.")  # fmt: skip
@click.option("--scores", callback=names, metavar="A,B", help="Only these: tlx list scores.")
@click.option("--protocol", default="P-full-off", show_default=True, help="How images are shown: tlx list protocols.")
@click.option("--rows", type=click.IntRange(2), default=2000, show_default=True, metavar="N", help="Rows looked at.")
@click.option("--against", multiple=True, metavar="DIR",
              help="Results to correlate the scores with, by weighted Kendall; repeatable.")  # fmt: skip
@click.option("--strategy", default="source_only", show_default=True, help="The strategy of those results.")
@click.option("--selection", default="last", show_default=True, help="The selection of those results.")
@click.option("--format", "style", type=click.Choice(("terminal", "json")), default="terminal", show_default=True)
@common
@pass_session
def command(
    session: Session,
    style: str,
    target: str,
    backbones: list[str],
    sources: list[str] | None,
    scores: list[str] | None,
    **options,
) -> None:
    """Ranks backbones and sources by transferability scores.

    Nothing is trained but the scores' own linear models. Higher is better in every score. Only train rows are read.
    """
    lab = session.lab()
    from tlx.report.ranking import table

    ranking = lab.rank(target, backbones, sources or (), scores=scores, **options)
    click.echo(json.dumps(ranking.to_json(), indent=2) if style == "json" else table(ranking))
