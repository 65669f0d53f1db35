"""The three steps of the mask-guided networks: each learns, and only what it should."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from test_mga_networks import SMALL

from engine.networks.decomposed import mga
from engine.resize import reduce
from engine.training import recipes
from engine.training.data import Pair, sample
from engine.training.loop import Training
from engine.training.mask import remaining_error
from engine.training.recipe import Recipe, mean_square, rms, taught_rms

STEPS = ("d", "all", "m")
ROUNDS = 20


def build(family: str, only_mask: bool) -> mga.MaskGuided:
    module = mga.MaskGuided(family, SMALL[family])
    if only_mask:
        module.base.requires_grad_(False)
        module.refine.requires_grad_(False)
    return module


def small(family: str, step: str) -> Recipe:
    recipe = recipes.RECIPES[f"{family}-{step}-x4"]
    made = partial(build, family, step == "m")
    return replace(recipe, build=made, batch=4, patch=16, warmup=2, ema=0.5)


@pytest.fixture(scope="module")
def pairs():
    rng, found = np.random.default_rng(0), []
    for _ in range(3):
        high = np.kron(rng.integers(0, 255, (16, 20, 1)), np.ones((6, 6, 3))).astype(np.uint8)
        found.append(Pair(high, reduce(high, 4)))
    return found


def fitting(recipe: Recipe, pairs: list[Pair]) -> list[Pair]:
    """With a teacher that knows the originals, where the recipe has one."""
    if not recipe.teachers:
        return pairs
    return [replace(p, high=np.concatenate([p.high, p.high], axis=2)) for p in pairs]


def loss_of(training: Training, pairs: list[Pair]) -> float:
    """On patches that are always the same."""
    rng = np.random.default_rng(99)
    pairs = fitting(training.recipe, pairs)
    low, high = sample(pairs, rng, batch=8, patch=16)
    with torch.no_grad():
        return float(training.recipe.loss(training.network, low, high, rng))


@pytest.mark.parametrize("family", mga.NETWORKS)
def test_every_step_lowers_its_loss_from_where_the_last_one_ended(family, pairs):
    start = None
    for step in STEPS:
        training = Training(small(family, step), torch.device("cpu"), start)
        begun = {k: v.clone() for k, v in training.network.state_dict().items()}
        before = loss_of(training, pairs)
        if start is not None:
            assert all(torch.equal(begun[k], start[k]) for k in begun)
        for index in range(ROUNDS):
            training.advance(fitting(training.recipe, pairs), index / ROUNDS)
        assert loss_of(training, pairs) < before
        for name, value in training.network.state_dict().items():
            changed = not torch.equal(value, begun[name])
            if step == "m" and not name.startswith("mask"):
                assert not changed and torch.equal(training.ema[name], begun[name])
            elif name.startswith("mask"):
                assert changed == (step == "m")
        start = training.ema


def test_the_first_step_leaves_the_mask_of_a_wide_network_alone(pairs):
    training = Training(
        replace(recipes.RECIPES["srresnet-d-x4"], batch=1, patch=8), torch.device("cpu")
    )
    wide = training.network.mask.conv1.weight
    assert any(p is wide for o in training.optimizers[1:] for p in o.param_groups[0]["params"])
    before = wide.detach().clone()
    training.advance(pairs, 0.0)
    assert torch.equal(wide, before)


def test_the_steps_are_chained():
    for family in mga.NETWORKS:
        whole, every, guided = (recipes.RECIPES[f"{family}-{step}-x4"] for step in STEPS)
        assert (whole.start, every.start, guided.start) == (None, whole.name, every.name)
        assert all(p.requires_grad for p in every.build().parameters())
        frozen = guided.build()
        trained = [name for name, p in frozen.named_parameters() if p.requires_grad]
        assert trained and all(name.startswith("mask.") for name in trained)


def test_the_teacher_s_distance_has_the_gradient_of_the_error_but_for_the_noise():
    torch.manual_seed(0)
    high = torch.rand(2, 3, 8, 8)
    for lesson in (high, high + 0.1 * torch.rand(2, 1, 1, 1)):  # the same, or off everywhere
        picture = torch.rand(2, 3, 8, 8, requires_grad=True)
        taught_rms(picture, torch.cat([high, lesson], 1)).sum().backward()
        toward = picture.detach().clone().requires_grad_()
        (mean_square(toward - lesson) / 2).sum().backward()
        error = rms(picture.detach(), high).view(2, 1, 1, 1)
        assert torch.allclose(picture.grad, toward.grad / error, atol=1e-7)
    straight = picture.detach().clone().requires_grad_()
    rms(straight, high).sum().backward()
    same = picture.detach().clone().requires_grad_()
    taught_rms(same, torch.cat([high, high], 1)).sum().backward()
    assert torch.allclose(same.grad, straight.grad, atol=1e-6)


def test_the_target_of_the_mask_is_the_change_of_each_cell():
    coarse, refined = torch.zeros(2, 3, 40, 32), torch.zeros(2, 3, 40, 32)
    refined[0, :, :16, 16:] = 0.5
    refined[1, :, 32:, :16] = -0.25  # a cell that reaches beyond the picture
    target = remaining_error(coarse, refined, 4)
    assert target.shape == (2, 1, 3, 2)
    assert target[0, 0, 0, 1] == 1 and target[1, 0, 2, 0] == pytest.approx(0.5)
    assert target.sum() == pytest.approx(1.5)
    assert (remaining_error(coarse, coarse, 4) == 0).all()
