"""Laws of the training loop: seeded, resumable to the bit, limited, and it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import library
from engine.adaptive import depth
from engine.networks import edsr
from engine.resize import reduce
from engine.training import depth as depth_training
from engine.training import recipes
from engine.training.data import Pair, load_pairs, sample, turned
from engine.training.loop import Limit, Training, learning_rate, train
from engine.training.optimizer import orthogonalise
from engine.training.recipe import rms
from engine.training.teacher import make_teacher, mean_picture, taught, worth


def tiny_edsr():
    return edsr.EDSR(edsr.Config(scale=2, blocks=2, channels=16))


def tiny_adaedsr():
    return depth.AdaDSR(tiny_edsr(), depth.Config(width=4))


TRUNK = replace(recipes.RECIPES["edsr-x4"], build=tiny_edsr, batch=4, patch=8, warmup=2)
METHOD = replace(recipes.RECIPES["adaedsr-x4"], build=tiny_adaedsr, batch=4, patch=8, warmup=2)
TAUGHT = replace(
    recipes.RECIPES["adaedsr-x4-taught"], build=tiny_adaedsr, batch=4, patch=8, warmup=2
)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    from PIL import Image

    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for index in range(3):
        coarse = rng.integers(0, 255, (7, 9, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((64, 48), Image.Resampling.NEAREST).save(
            folder / f"{index}.png"
        )
    return load_pairs([folder], 2)


@pytest.fixture
def lessons(pairs):
    """Pairs with a teacher that knows the originals, but for a little noise."""
    rng = np.random.default_rng(3)

    def lesson(high):
        return np.clip(high + rng.normal(0, 4, high.shape), 0, 255).astype(np.uint8)

    return [replace(p, high=np.concatenate([p.high, lesson(p.high)], axis=2)) for p in pairs]


def weights(training: Training) -> torch.Tensor:
    return torch.cat([p.flatten() for p in training.network.state_dict().values()])


def finish(training, pairs, steps, checkpoint):
    return list(train(training, pairs, limit=Limit(steps=steps), checkpoint=checkpoint, every=2))


@pytest.mark.parametrize("recipe", [TRUNK, METHOD, TAUGHT], ids=["trunk", "method", "taught"])
def test_a_resumed_training_equals_an_uninterrupted_one(recipe, pairs, lessons, tmp_path):
    device, pairs = torch.device("cpu"), lessons if recipe.teachers else pairs
    whole = Training(recipe, device)
    finish(whole, pairs, 6, tmp_path / "whole")

    killed = train(
        Training(recipe, device), pairs, limit=Limit(steps=6), checkpoint=tmp_path / "cut", every=2
    )
    next(killed)
    next(killed)
    killed.close()
    resumed = Training(recipe, device)
    resumed.restore(tmp_path / "cut")
    assert resumed.step == 4
    finish(resumed, pairs, 6, tmp_path / "cut")
    assert torch.equal(weights(whole), weights(resumed))
    assert all(torch.equal(whole.ema[k], resumed.ema[k]) for k in whole.ema)


def test_training_lowers_the_loss(pairs, tmp_path):
    reports = finish(Training(TRUNK, torch.device("cpu")), pairs, 40, tmp_path / "c")
    assert reports[-1].loss < 0.9 * reports[0].loss


def test_the_depth_loss_pulls_the_map_to_the_desired_depth(pairs, tmp_path):
    heavy = replace(
        METHOD,
        loss=lambda *a: depth_training.depth_recipe_loss(*a, weight=1.0),
        hold=1.0 - 1e-9,
        lr=1e-3,
    )
    training = Training(heavy, torch.device("cpu"))
    with torch.no_grad():
        training.network.adapter.convs[-1].bias.fill_(3.0)
    finish(training, pairs, 60, tmp_path / "c")
    low, _ = sample(pairs, np.random.default_rng(5), batch=8, patch=8)
    module = training.network.requires_grad_(False)
    raw = module.adapter(module.network.extract(low), torch.ones(8, 1, 1, 1))
    assert float(raw.mean()) < 2.0


def test_a_taught_network_comes_closer_to_its_teacher(lessons, tmp_path):
    training = Training(replace(TAUGHT, lr=2e-3), torch.device("cpu"))
    low, both = sample(lessons, np.random.default_rng(5), batch=8, patch=8)

    def distances():
        """From the teacher's picture, at full depth and at half of it."""
        module = training.network
        depths = torch.full((8, 1, 8, 8), 2.0), torch.full((8, 1, 8, 8), 1.0)
        with torch.no_grad():
            return [float(rms(module.masked(low, d), both[:, 3:]).mean()) for d in depths]

    before = distances()
    finish(training, lessons, 60, tmp_path / "c")
    assert all(now < 0.95 * then for now, then in zip(distances(), before, strict=True))


def test_patches_are_stopped_at_the_mean_depth_asked_for():
    content = torch.rand(5, 1, 12, 12) * torch.tensor([0.1, 0.5, 1, 2, 4]).view(5, 1, 1, 1)
    mean = torch.tensor([2.0, 3, 8, 14, 5]).view(5, 1, 1, 1)
    desired = depth_training.desired_depth(content, mean, 16)
    entered = (desired * content.clamp(min=1e-3)).ceil().clamp(max=16).mean((1, 2, 3))
    assert torch.allclose(entered, mean.flatten(), atol=0.3)


def test_a_start_fills_the_whole_network_or_its_trunk():
    device, trunk, whole = torch.device("cpu"), tiny_edsr(), tiny_adaedsr()
    begun = Training(TAUGHT, device, whole.state_dict()).network.state_dict()
    assert all(torch.equal(begun[k], v) for k, v in whole.state_dict().items())
    begun = Training(METHOD, device, trunk.state_dict()).network.network.state_dict()
    assert all(torch.equal(begun[k], v) for k, v in trunk.state_dict().items())


def test_a_teacher_sees_a_turned_picture_as_the_turned_one(weights):
    low = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)
    teacher = [library.load("tiny", dtype=torch.float32)]
    made = mean_picture(teacher, low)
    assert made.shape == (36, 56, 3) and made.std() > 10
    for turns, flip in ((1, False), (2, True), (3, True)):
        again = mean_picture(teacher, turned(low, turns, flip)).astype(int)
        assert np.abs(again - turned(made, turns, flip)).max() <= 1  # rounding


def test_lessons_are_kept_for_a_resumed_training(weights, tmp_path):
    rng = np.random.default_rng(0)
    pairs = [
        Pair(
            rng.integers(0, 256, (4 * h, 36, 3), dtype=np.uint8),
            rng.integers(0, 256, (h, 9, 3), dtype=np.uint8),
        )
        for h in (8, 12)
    ]
    device = torch.device("cpu")
    some = taught(pairs, make_teacher(("tiny",), device, None), tmp_path / "lessons", patch=8)
    first = next(some)
    some.close()  # killed
    guarded = forbid_first(first, make_teacher(("tiny",), device, None))
    again = list(taught(pairs, guarded, tmp_path / "lessons", patch=8))
    assert np.array_equal(again[0].high, first.high)
    for pair, found in zip(pairs, again, strict=True):
        assert np.array_equal(found.high[:, :, :3], pair.high)
        assert found.high.shape == (*pair.high.shape[:2], 6)
        assert np.array_equal(found.low, pair.low)


def test_patches_are_drawn_as_often_as_they_are_worth():
    rng = np.random.default_rng(0)
    high = np.full((128, 256, 3), 100, np.uint8)  # flat on the left, where nothing is to be learned
    high[:, 128:] = rng.integers(0, 256, (128, 128, 3))
    pair = Pair(high, reduce(high, 2))
    value = worth(pair, high, 16)  # a teacher that knows the original
    assert value.shape == (7, 15)
    assert np.all(value[:, :5] == 0.4) and np.all(value[:, 8:] == 5.0)
    drawn, _ = sample([replace(pair, worth=value)], rng, batch=4000, patch=16)
    flat = float((drawn.flatten(1).std(dim=1) < 0.01).float().mean())
    assert flat == pytest.approx(value[:, :6].sum() / value.sum(), abs=0.03)
    plain = Pair(high[:, :128], pair.low[:, :64], np.full((7, 7), 0.4))
    drawn, _ = sample([plain, replace(pair, worth=value)], rng, batch=4000, patch=16)
    share = 0.4 / (0.4 + value.mean()) + flat * value.mean() / (0.4 + value.mean())
    found = float((drawn.flatten(1).std(dim=1) < 0.01).float().mean())
    assert found == pytest.approx(share, abs=0.03)


def forbid_first(first, real):
    def guarded(low):
        assert not np.array_equal(low, first.low), "the kept lesson was made again"
        return real(low)

    return guarded


def test_the_time_limit_ends_a_training(pairs, tmp_path):
    training = Training(TRUNK, torch.device("cpu"))
    list(train(training, pairs, limit=Limit(minutes=0.005), checkpoint=tmp_path / "c"))
    assert 0.3 <= training.seconds < 5 and (tmp_path / "c").exists()


def test_a_patch_and_its_partner_show_the_same_place(pairs):
    low, high = sample(pairs, np.random.default_rng(1), batch=16, patch=8)
    shrunk = torch.nn.functional.avg_pool2d(high, 2)
    assert float((low - shrunk)[:, :, 2:-2, 2:-2].abs().mean()) < 0.05


def test_the_learning_rate_rises_stays_and_falls():
    falling = replace(TRUNK, lr=1.0, warmup=10, hold=0.5, floor=0.1)
    rates = [learning_rate(falling, step, step / 100) for step in range(101)]
    assert rates[0] == 0.1 and rates[10] == rates[50] == 1.0
    assert (
        rates[100] == pytest.approx(0.1) and rates == sorted(rates[:11]) + sorted(rates[11:])[::-1]
    )


def test_orthogonalise_evens_out_the_singular_values():
    torch.manual_seed(0)
    made = orthogonalise(torch.randn(2, 16, 40) * torch.logspace(0, 2, 40))
    values = torch.linalg.svdvals(made)
    assert values.min() > 0.3 and values.max() < 1.4
