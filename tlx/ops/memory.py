"""Memories of a stream: which rows to keep for the next steps, class-balanced whatever the order of the stream.

A memory of M places says what each holds: `row` [M] is the batch's row that a place has taken over, -1 where it keeps
what it had. Shape vocabulary: batch B, classes C, places M, width W.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

Places = Int[Array, " places"]


class Timely(NamedTuple):
    """What is known of the row in each place of a memory by timeliness and uncertainty. `label` is -1 where empty."""

    label: Places
    uncertainty: Float[Array, " places"]
    age: Float[Array, " places"]

    @classmethod
    def empty(cls, places: int) -> "Timely":
        """Without a row."""
        return cls(jnp.full(places, -1, jnp.int32), *jnp.zeros((2, places), jnp.float32))


def timely_memory(
    memory: Timely, labels: Int[Array, " batch"], uncertainty: Float[Array, " batch"], classes: int
) -> tuple[Timely, Places]:
    """The memory after the rows of a batch came one after another, and `row`.

    A row's worth of being dropped is s = 1 / (1 + exp(-age / M)) + uncertainty / ln C. A new row of a class with less
    than M / C places takes a free one, or that of the largest s among the largest classes; one of a class with as many
    takes the place of the largest s of its own class; either only where that s is above its own, of age 0. Then all
    ages grow by one.

    Yuan et al. 2023, "Robust Test-Time Adaptation in Dynamic Scenarios" (RoTTA), algorithm 1; both lambdas 1.
    """
    places = memory.label.shape[0]

    def worth(age: Array, uncertainty: Array) -> Array:
        return jax.nn.sigmoid(age / places) + uncertainty / math.log(classes)

    def one(carry: tuple[Timely, Places], new: tuple[Array, Array, Array]) -> tuple[tuple[Timely, Places], None]:
        (memory, row), (number, label, doubt) = carry, new
        counts = _counts(memory.label, classes)
        own_full = counts[label] * classes >= places
        free = ~own_full & (counts.sum() < places)
        eligible = jnp.where(own_full, jnp.arange(classes, dtype=jnp.int32) == label, counts == counts.max())
        worths = jnp.where(_of(memory.label, eligible), worth(memory.age, memory.uncertainty), -jnp.inf)
        place = jnp.where(free, jnp.argmax(memory.label < 0), jnp.argmax(worths))
        taken = free | (worths[place] > worth(jnp.float32(0), doubt))
        put = taken & (jnp.arange(places, dtype=place.dtype) == place)
        after = Timely(
            jnp.where(put, label, memory.label),
            jnp.where(put, doubt, memory.uncertainty),
            jnp.where(put, 0.0, memory.age) + 1,
        )
        return (after, jnp.where(put, number, row)), None

    every = jnp.arange(labels.shape[0], dtype=jnp.int32), labels, uncertainty
    return jax.lax.scan(one, (memory, jnp.full(places, -1, jnp.int32)), every)[0]


def timeliness(age: Float[Array, " places"]) -> Float[Array, " places"]:
    """exp(-a) / (1 + exp(-a)), a = age / M: the weight of a row of the memory. Yuan et al. 2023, equation 7."""
    return jax.nn.sigmoid(-age / age.shape[0])


def reservoir(
    key: PRNGKeyArray, held: Places, met: Int[Array, " classes"], labels: Int[Array, " batch"]
) -> tuple[Places, Int[Array, " classes"], Places]:
    """The labels held, those met by class, and `row`, after the rows of a batch came one after another.

    A full memory takes a row of a class that is not among its largest in the place of a random row of these; one of
    such a class in that of a random row of its own, with probability m_c / n_c: its rows held of its rows met.

    Gong et al. 2022, "NOTE", algorithm 1 (prediction-balanced reservoir sampling). `held` is -1 where empty.
    """
    places, classes = held.shape[0], met.shape[0]

    def one(carry: tuple[Places, Array, Places], new: tuple[Array, Array, Array]) -> tuple[tuple, None]:
        (held, met, row), (number, label, key) = carry, new
        which, whether = jax.random.split(key)
        met = met.at[label].add(1)
        counts = _counts(held, classes)
        largest = counts == counts.max()
        eligible = jnp.where(largest[label], jnp.arange(classes, dtype=jnp.int32) == label, largest)
        free = counts.sum() < places
        noise = jax.random.uniform(which, (places,), jnp.float32)
        place = jnp.where(free, jnp.argmax(held < 0), jnp.argmax(jnp.where(_of(held, eligible), noise, -1.0)))
        lucky = jax.random.uniform(whether, (), jnp.float32) * jnp.float32(met[label]) <= jnp.float32(counts[label])
        put = (free | ~largest[label] | lucky) & (jnp.arange(places, dtype=place.dtype) == place)
        return (jnp.where(put, label, held), met, jnp.where(put, number, row)), None

    every = jnp.arange(labels.shape[0], dtype=jnp.int32), labels, jax.random.split(key, labels.shape[0])
    return jax.lax.scan(one, (held, met, jnp.full(places, -1, jnp.int32)), every)[0]


def _counts(label: Places, classes: int) -> Int[Array, " classes"]:
    return jnp.sum(label[:, None] == jnp.arange(classes, dtype=jnp.int32)[None], 0)


def _of(label: Places, eligible: Bool[Array, " classes"]) -> Bool[Array, " places"]:
    return (label >= 0) & eligible[jnp.maximum(label, 0)]


def taken_over(
    held: Float[Array, "places *row"], batch: Float[Array, "batch *row"], row: Places
) -> Float[Array, "places *row"]:
    """What the places hold after `row`: the batch's rows in those that took one over."""
    return jnp.where((row >= 0).reshape(-1, *[1] * (held.ndim - 1)), batch[jnp.maximum(row, 0)], held)


def around(label: Places) -> Places:
    """The places that are filled, in order, repeated until there are M; of an empty memory the first place."""
    filled = label >= 0
    return jnp.argsort(~filled, stable=True)[jnp.arange(label.shape[0]) % jnp.maximum(filled.sum(), 1)]


class Supports(NamedTuple):
    """The rows that stand for each class: unit features [C, K, W]; entropies [C, K], infinite where there is none."""

    features: Float[Array, "classes kept width"]
    entropy: Float[Array, "classes kept"]


def with_supports(
    supports: Supports,
    features: Float[Array, "batch width"],
    labels: Int[Array, " batch"],
    entropy: Float[Array, " batch"],
) -> Supports:
    """The K rows of each class with the least entropy, among those held and the batch's of that label.

    Iwasawa and Matsuo 2021, "Test-Time Classifier Adjustment Module for Model-Agnostic Domain Generalization" (T3A),
    equation 5.
    """
    unit = features / jnp.maximum(jnp.linalg.norm(features, axis=1, keepdims=True), 1e-12)

    def one(label: Array, held: Array, doubt: Array) -> Supports:
        every = jnp.concatenate([doubt, jnp.where(labels == label, entropy, jnp.inf)])
        least, place = jax.lax.top_k(-every, doubt.shape[0])
        return Supports(jnp.concatenate([held, unit])[place], -least)

    return jax.vmap(one)(jnp.arange(supports.entropy.shape[0], dtype=jnp.int32), *supports)


def prototypes(supports: Supports) -> Float[Array, "width classes"]:
    """The unit sum of each class's supports: the kernel of a classifier. T3A, equations 3 and 4."""
    held = jnp.float32(jnp.isfinite(supports.entropy))
    total = jnp.einsum("ckw,ck->wc", supports.features, held)
    return total / jnp.maximum(jnp.linalg.norm(total, axis=0, keepdims=True), 1e-12)
