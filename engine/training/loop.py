"""The one training loop: seeded, by time or by steps, resumable after a kill."""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine.training.data import Pair, sample
from engine.training.optimizer import make_optimizers
from engine.training.recipe import OTHERS, Recipe


@dataclass(frozen=True)
class Limit:
    """When a training is over: after `steps`, or after `minutes` of its own running time."""

    steps: int | None = None
    minutes: float | None = None

    def progress(self, step: int, seconds: float) -> float:
        """The share done, 0..1."""
        if self.steps:
            return min(1.0, step / self.steps)
        return min(1.0, seconds / 60 / self.minutes) if self.minutes else 1.0


@dataclass(frozen=True)
class Report:
    """What the loop tells from time to time; `loss` is the mean since the last report."""

    step: int
    seconds: float
    progress: float
    loss: float
    lr: float


class Training:
    """Everything that a training is made of between two steps, and can be saved and restored."""

    def __init__(
        self,
        recipe: Recipe,
        device: torch.device,
        start: dict | None = None,
        origin: dict | None = None,
    ):
        """`start` are weights to begin from, `origin` is where they came from (`provenance`)."""
        torch.manual_seed(recipe.seed)
        self.recipe, self.origin = recipe, origin
        self.device = device
        network = recipe.build()
        if start is not None:
            own = network.state_dict()
            trunk = start.keys() != own.keys()
            part = network.get_submodule("network") if trunk else network
            part.load_state_dict(fitted(start, part.state_dict()))
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        self.optimizers = make_optimizers(self.network, recipe.lr)
        self.step = 0
        self.seconds = 0.0

    def advance(self, pairs: list[Pair], progress: float) -> torch.Tensor:
        """One step on one random batch; returns the loss."""
        recipe = self.recipe
        lr = learning_rate(recipe, self.step, progress)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = lr * group["pace"]
            optimizer.zero_grad(set_to_none=True)
        rng = np.random.default_rng((recipe.seed, self.step))  # a resumed run draws the same
        low, high = sample(
            pairs, rng, batch=recipe.batch, patch=recipe.patch, degrade=recipe.degrade
        )
        low = low.to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            loss = recipe.loss(self.network, low, high.to(self.device), rng)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self._average()
        return loss.detach()

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.recipe.ema, self.step / (self.step + 10))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.ema[name].lerp_(value, 1 - keep)
            else:  # batch normalisation counts its batches
                self.ema[name].copy_(value)

    @property
    def provenance(self) -> dict:
        """How these weights came to be, in words and numbers that JSON can hold."""
        return {
            "recipe": self.recipe.name,
            "steps": self.step,
            "minutes": round(self.seconds / 60, 1),
            "seed": self.recipe.seed,
            "teachers": [OTHERS.get(name, name) for name in self.recipe.teachers],
            "start": self.origin,
        }

    def save(self, path: Path) -> None:
        """Written beside the target and renamed, so that a kill leaves a whole checkpoint."""
        state = {
            "network": self.network.state_dict(),
            "ema": self.ema,
            "optimizers": [o.state_dict() for o in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
            "provenance": self.provenance,
        }
        temporary = path.with_suffix(".part")
        torch.save(state, temporary)
        os.replace(temporary, path)

    def restore(self, path: Path) -> None:
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.ema = state["ema"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.seconds = state["step"], state["seconds"]


def fitted(start: dict, own: dict) -> dict:
    """The weights `start`, perhaps of another scale, for a network whose weights are `own`.

    The tail (3 s^2, ...) of another scale begins with each subpixel's nearest one.
    """

    def fit(name: str, value: torch.Tensor) -> torch.Tensor:
        if not name.startswith("tail") or name not in own or own[name].shape == value.shape:
            return value
        old, new = (math.isqrt(len(v) // 3) for v in (value, own[name]))
        nearest = torch.arange(new) * old // new
        return value.unflatten(0, (3, old, old))[:, nearest][:, :, nearest].flatten(0, 2)

    return {name: fit(name, value) for name, value in start.items()}


def learning_rate(recipe: Recipe, step: int, progress: float) -> float:
    """Warm-up, a plateau, then a half cosine down to the floor."""
    fall = max(0.0, progress - recipe.hold) / (1 - recipe.hold)
    cosine = recipe.floor + (1 - recipe.floor) * (0.5 + 0.5 * math.cos(math.pi * fall))
    return recipe.lr * cosine * min(1.0, (step + 1) / recipe.warmup)


def train(
    training: Training, pairs: list[Pair], *, limit: Limit, checkpoint: Path, every: int = 200
) -> Iterator[Report]:
    """Run to the limit, yielding a report and saving a checkpoint every `every` steps."""
    losses: list[torch.Tensor] = []
    while (progress := limit.progress(training.step, training.seconds)) < 1:
        begun = time.perf_counter()
        losses.append(training.advance(pairs, progress))
        training.seconds += time.perf_counter() - begun
        if training.step % every == 0:
            training.save(checkpoint)
            lr = learning_rate(training.recipe, training.step, progress)
            loss = float(torch.stack(losses).mean())
            yield Report(training.step, training.seconds, progress, loss, lr)
            losses.clear()
    training.save(checkpoint)
