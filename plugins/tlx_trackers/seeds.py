"""What trackers share: each seed of a run is a run of the tracker, with the same names in all of them."""

from typing import Any

Values = dict[str, float]


class Seeds:
    """An observer; a tracker says how a run of its own is started, written to and ended.

    While it goes: `train/METRIC` after each round. When it has finished: `METRIC/target` (`accuracy/target`),
    `METRIC/source_val` and `selector/NAME` at each evaluation, and at the last step `final/SELECTION`, the main score
    of the evaluation that each selector picked.
    """

    def __init__(self):
        self.going: dict[str, list[Any]] = {}  # the tracker's runs, by the hash of ours

    def start(self, spec: Any, seed: int, facts: dict[str, Any]) -> Any:
        """A new run of the tracker."""
        raise NotImplementedError

    def write(self, run: Any, values: Values, step: int) -> None:
        """Numbers at a step. Steps of a finished run begin again, for its curves."""
        raise NotImplementedError

    def end(self, run: Any, texts: dict[str, str], failed: bool) -> None:
        """The end of a run, with its command, and its error where it has one."""
        raise NotImplementedError

    def tlx_run_started(self, spec: Any) -> None:
        """Starts one for each seed. Those that are there are of a process that died: the run goes on in another."""
        self._end_all(spec, {}, failed=True)
        self.going[spec.hash] = []
        for seed in spec.seeds:
            self.going[spec.hash].append(self.start(spec, seed, facts(spec, seed)))

    def tlx_round_finished(self, spec: Any, progress: Any) -> None:
        """Writes the metrics of the round."""
        for place, run in enumerate(self.going.get(spec.hash, ())):
            values = {f"train/{name}": float(values[place]) for name, values in progress.metrics.items()}
            self.write(run, values, progress.step)

    def tlx_run_finished(self, spec: Any, result: Any) -> None:
        """Writes the curves and the final scores, and ends."""
        for place, run in enumerate(self.going.get(spec.hash, ())):
            for point in result.curves:
                self.write(run, _at(point, place, result.metric or "score"), point.step)
            if result.metric and result.curves:
                final = {f"final/{name}": item.scores[place].accuracy for name, item in result.selections.items()}
                self.write(run, final, result.curves[-1].step)
        texts = {"command": result.command, **({"error": result.error} if result.error else {})}
        self._end_all(spec, texts, failed=not result.finished)

    def _end_all(self, spec: Any, texts: dict[str, str], failed: bool) -> None:
        for run in self.going.pop(spec.hash, ()):
            self.end(run, texts, failed)


def facts(spec: Any, seed: int) -> dict[str, Any]:
    """What a run is, for the tracker to filter by; a setting of the strategy is `set.KEY`."""
    names = ("task", "protocol", "strategy", "backbone", "suite", "hash")
    settings = {f"set.{key}": value for key, value in spec.settings}
    own = {name: getattr(spec, name) for name in names if getattr(spec, name)}
    return {**own, "recipe": spec.recipe.name, "steps": spec.recipe.steps, "seed": seed, **settings}


def _at(point: Any, place: int, metric: str) -> Values:
    """One evaluation of one seed; what is None was not finite, or is not there."""
    values = {f"selector/{name}": scores[place] for name, scores in point.selectors.items()}
    if point.target:
        values[f"{metric}/target"] = point.target[place]
    if point.source_val:
        values[f"{metric}/source_val"] = point.source_val[place]
    return {name: value for name, value in values.items() if value is not None}
