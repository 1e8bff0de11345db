"""Unified optimal transport for universal adaptation."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy
from tlx.blocks import Norm, both_domains
from tlx.layers import MLP
from tlx.ops import (
    cross_entropies,
    cross_entropy,
    even_assignment,
    soft_cross_entropies,
    unbalanced_sinkhorn,
    unit_columns,
    unit_rows,
)

EPSILON, TAU, ITERATIONS = 0.01, 0.5, 100  # of the unbalanced transport
START = 0.01  # the progress from which target rows are given source classes


@strategy
class UniOT(Additive):
    """Finds target rows of source classes by an unbalanced transport, and clusters of its own in the target.

    loss = cross-entropy(source) + weight * (detection + discovery), of softmax(cos(z, prototype) / T), z = the unit
    projection of f

    detection: P = the unbalanced transport of target rows (the batch and a memory) to class prototypes, at the cost
    -cosine, as shares of its mass. A row is confident where max_j P_ij > 1 / rows, and its class j has a mass of 1 / K
    or more; cross-entropy of the batch's confident rows to these classes. The prototypes' masses follow those of P.
    Before, rows are filled up until as many are like a prototype (cosine > `near`) as are not: with confident rows, or
    with means of rows and their farthest prototypes.

    discovery: q = Sinkhorn's balanced plan of the batch, its nearest neighbours and memory rows to `clusters` target
    prototypes; half of (cross-entropy of rows to their q + half that of rows to their neighbour's q and the reverse)

    Scored by the last step's transport: its column scalings give any row its P_i, and where no entry is above 1 / rows
    it is unknown. The authors solve the transport of all test rows. Their memory starts with features of the untrained
    network, here with random unit vectors. Prototypes are unit vectors in the forward pass, there after each step.

    Settings: `weight` lambda; `clusters` 50 (150 or more for larger sets); `near` gamma; `momentum` mu of the masses;
    `temperature` T; `memory`, its rows; `hidden` and `size` of the projection.

    Reference: Chang et al., "Unified Optimal Transport Framework for Universal Domain Adaptation", NeurIPS 2022.
    """

    paper = "Chang et al. 2022"
    spaces = ("open", "universal")

    weight: float = 0.1
    clusters: int = 50
    near: float = 0.7
    momentum: float = 0.7
    temperature: float = 0.1
    memory: int = 2000
    hidden: tuple[int, ...] = (2048,)
    size: int = 256
    norm: Norm = "separate"

    def init(self, model, key):
        model_key, project, own, groups, fill = jax.random.split(key, 5)
        sizes, normal = (model.width, *self.hidden, self.size), jax.nn.initializers.lecun_normal()
        state = model.add(model.init(model_key), project, "projection", lambda rngs: MLP(sizes, rngs=rngs))
        state = state.put_params(
            prototypes=normal(own, (self.size, model.known)), clusters=normal(groups, (self.size, self.clusters))
        )
        places = min(self.memory, model.rows["target"])
        return state.put(
            memory=unit_rows(jax.random.normal(fill, (places, self.size))),
            index=jnp.full(places, -1, jnp.int32),
            shares=jnp.full(model.known, 1 / model.known),
            plan=(jnp.zeros(model.known), jnp.zeros(()), jnp.ones(())),
        )

    def loss(self, model, state, batch, context):
        source, target, state = both_domains(model, state, batch, self.norm)
        (s, _), (z, _) = (model.apply(state, "projection", features) for features in (source, target))
        s, z, prototypes = unit_rows(s), unit_rows(z), unit_columns(state.params["prototypes"])
        fill_key, draw_key = jax.random.split(context.key)
        task = cross_entropy(s @ prototypes / self.temperature, batch.source.y)
        discovery = self.discovery(state, z, batch.target.index, draw_key)
        fixed = jax.lax.stop_gradient((jnp.concatenate([state.extra["memory"], z]), prototypes))
        confident, label, state = self.detected(state, *fixed, fill_key)
        confident, label = confident[-len(z) :].astype(z.dtype), label[-len(z) :]
        losses = confident * cross_entropies(z @ prototypes / self.temperature, label)
        detection = jnp.sum(losses) / jnp.maximum(jnp.sum(confident), 1)
        detection = jnp.where(context.progress > START, detection, 0)
        state = state.put(
            memory=fixed[0][-len(state.extra["memory"]) :],
            index=jnp.concatenate([state.extra["index"], batch.target.index])[-len(state.extra["index"]) :],
        )
        metrics = {"task": task, "discovery": discovery, "detection": detection, "confident": jnp.mean(confident)}
        return task + self.weight * (discovery + detection), state, metrics

    def discovery(self, state, z, index, key):
        """The loss of the target's own clusters."""
        memory, places = state.extra["memory"], jnp.concatenate([state.extra["index"], index])
        others = jnp.concatenate([memory, z])
        nearest = jnp.argmax(jnp.where(index[:, None] == places[None], -jnp.inf, z @ others.T), 1)
        neighbours, clusters = others[nearest], unit_columns(state.params["clusters"])
        drawn = memory[jax.random.randint(key, (self.clusters,), 0, len(memory))]
        cosines = jnp.concatenate([z, neighbours, drawn]) @ clusters
        q = even_assignment(cosines)
        mine, theirs = cosines[: len(z)] / self.temperature, cosines[len(z) : 2 * len(z)] / self.temperature
        q_mine, q_theirs = jax.lax.stop_gradient((q[: len(z)], q[len(z) : 2 * len(z)]))
        swapped = (soft_cross_entropies(mine, q_theirs) + soft_cross_entropies(theirs, q_mine)) / 2
        return jnp.mean(soft_cross_entropies(mine, q_mine) + swapped) / 2

    def detected(self, state, z, prototypes, key):
        """Whether each row of z is confident, its class, and the state with the masses and the scalings."""
        chosen, other = jax.random.split(key)
        n, shares, cosines = len(z), state.extra["shares"], z @ prototypes
        alike = jnp.sum(cosines.max(1) > self.near)
        added = jnp.abs(n - 2 * alike)
        confident, _, _, _ = _transported(cosines, jnp.ones(n, bool), shares)
        more = jax.random.categorical(chosen, jnp.where(confident, 0.0, -1e9), shape=(n,))
        far = unit_rows((z + prototypes.T[cosines.argmin(1)]) / 2) @ prototypes
        few = 2 * alike <= n
        fill = jnp.where(few, cosines[more], far[jax.random.randint(other, (n,), 0, n)])
        added = jnp.where(few & ~confident.any(), 0, added)
        part = jnp.concatenate([jnp.arange(n) < added, jnp.ones(n, bool)])
        confident, label, masses, plan = _transported(jnp.concatenate([fill, cosines]), part, shares)
        shares = self.momentum * shares + (1 - self.momentum) * masses
        return confident[n:], label[n:], state.put(shares=shares, plan=plan)

    def predict(self, model, state, x):
        features, _ = model.features(state, x, train=False)
        z, _ = model.apply(state, "projection", features, train=False)
        scaled = unit_rows(z) @ unit_columns(state.params["prototypes"]) / EPSILON
        g, log_mass, rows = state.extra["plan"]
        f = TAU / (TAU + EPSILON) * (-jnp.log(rows) - jax.nn.logsumexp(g[None] + scaled, axis=1))
        log_p = f[:, None] + g[None] + scaled - log_mass
        return jnp.concatenate([log_p, jnp.full((len(x), 1), -jnp.log(rows))], axis=1)


def _transported(cosines, part, shares):
    """The rows that are confident, their classes, the prototypes' masses, and (g, log mass, rows) of the plan.

    Rows take part where `part` is true.
    """
    rows = jnp.sum(part).astype(cosines.dtype)
    log_rows = jnp.where(part, -jnp.log(rows), -jnp.inf)
    f, g = unbalanced_sinkhorn(-cosines, log_rows, jnp.log(shares), EPSILON, TAU, ITERATIONS)
    log_plan = f[:, None] + g[None] + cosines / EPSILON
    log_mass = jax.nn.logsumexp(log_plan)
    p = jnp.exp(log_plan - log_mass)
    label, masses = p.argmax(1), p.sum(0)
    confident = (p.max(1) > 1 / rows) & (masses >= 1 / len(masses))[label]
    return confident, label, masses, (g, log_mass, rows)
