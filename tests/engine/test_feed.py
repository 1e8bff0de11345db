"""Normalisation on the device, with one number or one for each channel."""

import dataclasses

import numpy as np
import pytest

from tlx.data.resize import fit
from tlx.engine.feed import make_feed, normalise
from tlx.testing.tiny import tiny_task

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)


@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (MEAN, STD), (0.5, STD)])
def test_normalise(mean, std):
    data = tiny_task()
    protocol = dataclasses.replace(data.task.protocol, channels=3, mean=mean, std=std)
    coloured = data.source._replace(x=fit(data.source.x, 8, 3))  # a view that repeats the grey channel
    feed = make_feed(
        data._replace(source=coloured, task=dataclasses.replace(data.task, protocol=protocol)), frozenset({"source"})
    )
    table = feed.tables["source"]
    assert int(table.n) == len(data.source.y) and table.x.shape[1:] == (8, 8, 3)
    x = np.asarray(normalise(feed, table.x[:48]))
    expected = (np.repeat(data.source.x, 3, axis=3) / 255 - np.broadcast_to(mean, 3)) / np.broadcast_to(std, 3)
    np.testing.assert_allclose(x, expected, rtol=0, atol=1e-6)
