"""The same evolution with QDax: its MAP-Elites, emitter and repertoire, and the network in JAX.

What was done for QDax: a whole generation is one compiled function, the network included (in a ``scan`` over
generations XLA falls back to convolutions a hundred times as slow). The repertoire has one centroid a class. A
genotype has one fitness there and enters one cell, so every child is offered once for each class. QDax's own
polynomial mutation shuffles the genes to choose some, which costs more than the network; the one here draws a single
number a gene for both the choice and the step.
"""

from __future__ import annotations

# mypy: disable-error-code="import-untyped, import-not-found, no-untyped-call"
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from qdax.core.emitters.standard_emitters import MixingEmitter
from qdax.core.map_elites import MAPElites

from benchmarks.interleaving import Contestant
from benchmarks.material import OFFSPRING, Material
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.classifier_file import as_array
from fooling.encodings.settings import DirectSettings

LEVELS = 255


class QdaxEvolution:
    """MAP-Elites over classes, direct encoding, at the product's default settings."""

    def __init__(self, classifier: Classifier, *, seed: int) -> None:
        classes, shape = len(classifier.class_names), classifier.input_shape
        self._image_shape = shape
        logits = jax_lenet(classifier)
        emitter = MixingEmitter(mutation_fn=mutated, variation_fn=None, variation_percentage=0.0, batch_size=OFFSPRING)
        search = MAPElites(scoring_function=None, emitter=emitter, metrics_function=lambda repertoire: {})

        def offers(genotypes: Any) -> dict[str, Any]:
            """Every genotype once for each class: its confidence as fitness, the class as descriptor."""
            confidences = jax.nn.softmax(logits(genotypes))
            cells = jnp.tile(jnp.arange(classes, dtype=jnp.float32), len(genotypes))
            return {
                "genotypes": jnp.repeat(genotypes, classes, axis=0),
                "fitnesses": confidences.reshape(-1, 1),
                "descriptors": cells[:, None],
            }

        @jax.jit
        def generation(repertoire: Any, key: Any) -> tuple[Any, Any]:
            key, asking = jax.random.split(key)
            genotypes, _ = search.ask(repertoire, None, asking)
            repertoire, _, _ = search.tell(**offers(genotypes), repertoire=repertoire, emitter_state=None)
            return repertoire, key

        key, starting, initialising = jax.random.split(jax.random.key(seed), 3)
        start = jax.random.randint(starting, (OFFSPRING, shape[0] * shape[1] * shape[2]), 0, LEVELS + 1)
        centroids = jnp.arange(classes, dtype=jnp.float32)[:, None]
        self._repertoire, _, _ = search.init_ask_tell(
            **offers(start.astype(jnp.float32)), centroids=centroids, key=initialising
        )
        self._key = key
        self._generation = generation

    def advance(self) -> None:
        """One generation, to its end: JAX computes in the background."""
        self._repertoire, self._key = self._generation(self._repertoire, self._key)
        jax.block_until_ready(self._repertoire)

    def champion_images(self) -> torch.Tensor:
        """The champion of every class, uint8 (K, C, H, W)."""
        levels = torch.from_numpy(np.array(self._repertoire.genotypes))
        return levels.to(torch.uint8).view(-1, *self._image_shape)


def mutated(levels: Any, key: Any) -> Any:
    """Polynomial mutation of levels (B, N), kept as whole numbers in float32."""
    settings = DirectSettings()
    drawn = jax.random.uniform(key, levels.shape) / settings.mutation_rate
    signed = 2 * drawn - 1  # uniform in [-1, 1) where a gene is chosen
    steps = jnp.copysign(jnp.expm1(jnp.log(jnp.abs(signed)) / (settings.mutation_eta + 1)), signed)
    return jnp.where(drawn < 1, jnp.round(jnp.clip(levels + LEVELS * steps, 0, LEVELS)), levels)


def jax_lenet(classifier: Classifier) -> Callable[[Any], Any]:
    """The classifier's LeNet in JAX: logits (B, K) of flat levels (B, H * W)."""
    weights = {key: jnp.asarray(as_array(value)) for key, value in classifier.network.state_dict().items()}
    _, height, width = classifier.input_shape
    offset, scale = float(classifier.offset.mean()), float(classifier.scale.mean())
    torch.testing.assert_close(classifier.offset, torch.full_like(classifier.offset, offset))
    layout = ("NHWC", "OIHW", "NHWC")

    def convolved_and_pooled(values: Any, layer: str) -> Any:
        kernel, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
        values = jax.lax.conv_general_dilated(values, kernel, (1, 1), "VALID", dimension_numbers=layout) + bias
        return jax.lax.reduce_window(values, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def logits(levels: Any) -> Any:
        values = ((levels - offset) * scale).reshape(-1, height, width, 1)
        values = convolved_and_pooled(convolved_and_pooled(values, "conv1"), "conv2")
        values = values.transpose(0, 3, 1, 2).reshape(len(levels), -1)
        values = jax.nn.relu(values @ weights["fc1.weight"].T + weights["fc1.bias"])
        return values @ weights["fc2.weight"].T + weights["fc2.bias"]

    return logits


def contestant(material: Material) -> Contestant:
    """An evolution in QDax, as many generations old as the product's."""
    evolution = QdaxEvolution(material.classifier, seed=1)
    for _ in range(material.generations):
        evolution.advance()
    return Contestant(what="evolution with QDax", work=evolution.advance, images=OFFSPRING, calls=5)
