"""Fixed: a network that does the same for every pixel, run with as little memory as it allows.

Source: Du et al., "Fast and Memory-Efficient Network Towards Efficient Image Super-Resolution",
CVPR Workshops 2022, sections 3.1 and 3.2, for the network in `engine.networks.fmen`. There the
peak of 4 C H W activations lies at the products of the attention blocks: x_0, a block's input, its
attention and its output.

Deviations, none of which changes a result:

* Products and sums are made in place, and an attention map never exists as a whole: each band of
  its rows is multiplied into the block's input and dropped. Whole, the network then holds 3 C H W:
  x_0 and both sides of one convolution.
* The picture enters in strips of rows. Each layer runs one row behind the one before it and keeps
  what its successor will look at again, so nothing is computed twice and the memory is that of one
  strip and of the rows between the first layer and the last, however tall the picture is.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine import kernels
from engine.adaptive.contract import Description, Fact, MapWords, Method, RowPass
from engine.budget import Budget
from engine.errors import BudgetError
from engine.kernels import PackedConv, convolve, pack, pack_tail
from engine.networks.fmen import FMEN, HFAB, SLOPE, Config, fuse, macs
from engine.networks.layers import Conv2d
from engine.tiling import Region


@dataclass(frozen=True)
class Step:
    """One 3x3 convolution with LeakyReLU (`slope`), from one level of features to another.

    `how` it meets the target: "write" makes that level, "add" adds to it in place, "multiply"
    multiplies the sigmoid into it in place. Level 0 is the picture.
    """

    conv: PackedConv
    source: int
    target: int
    slope: float = 1.0
    how: str = "write"


def steps_of(network: FMEN, dtype: torch.dtype = torch.float32) -> tuple[Step, ...]:
    """The plain form as a list of steps, each of which reads what the one before it has left.

    `dtype` is that of the products, but for the head and the tail: both carry the whole picture
    and not a residual, and bfloat16 would round it to a 1/256.
    """
    steps: list[Step] = []

    def write(
        conv: nn.Module | Tensor, source: int, slope: float = 1.0, dtype: torch.dtype = dtype
    ) -> int:
        assert isinstance(conv, Conv2d)  # the plain form has nothing else
        target = len(steps) + 1
        steps.append(Step(pack(conv.weight, conv.bias, dtype), source, target, slope))
        return target

    def change(conv: nn.Module | Tensor, source: int, target: int, how: str) -> int:
        assert isinstance(conv, Conv2d)
        steps.append(Step(pack(conv.weight, conv.bias, dtype), source, target, how=how))
        return target

    def attend(hfab: nn.Module, z: int) -> int:
        assert isinstance(hfab, HFAB)  # of a ModuleList
        a = write(hfab.squeeze, z, SLOPE)
        for index, erb in enumerate(hfab.erbs, start=1):
            a = write(erb.conv1, a, SLOPE)
            a = write(erb.conv2, a, SLOPE if index == len(hfab.erbs) else 1.0)
        return change(hfab.excite, a, z, "multiply")

    x0 = write(network.head, 0, dtype=torch.float32)
    z = attend(network.hfabs[0], write(network.warm_up, x0))
    for erb, hfab in zip(network.erbs, network.hfabs[1:], strict=True):
        z = attend(hfab, write(erb.conv2, write(erb.conv1, z, SLOPE)))
    change(network.fuse, z, x0, "add")
    tail, scale = network.tail, network.config.scale
    last = pack_tail(tail.weight, tail.bias, scale, torch.float32)
    steps.append(Step(last, x0, len(steps) + 1))
    return tuple(steps)


class Level:
    """The rows of one feature map that are still needed: (rows, pitch, C) from row `top` on.

    The zero column on either side and the zero rows around the picture are the padding of the
    convolution that reads it.
    """

    def __init__(self, top: int, rows: Tensor):
        self.top, self.rows = top, rows

    def part(self, top: int, end: int) -> Tensor:
        """The picture's rows top..end - 1."""
        return self.rows[top - self.top : end - self.top]

    def grow(self, end: int, height: int) -> None:
        """Make room for the rows before `end`, in a picture of that height."""
        kept, last = self.rows, end == height
        self.rows = kept.new_empty(end + last - self.top, *kept.shape[1:])
        if kept.shape[0]:
            self.rows[: kept.shape[0]] = kept
        else:
            self.rows[0] = 0
        self.rows[:, :: self.rows.shape[1] - 1] = 0
        if last:
            self.rows[-1] = 0

    def forget(self, top: int) -> None:
        """Free the rows above `top`, unless they are few beside those that stay."""
        kept, self.top = self.rows[top - self.top :], top
        self.rows = kept if 2 * kept.shape[0] > self.rows.shape[0] else kept.clone()


class FixedPass(RowPass):
    """One pass over a region of a picture x (H, W, 3).

    `strip` is the number of rows that enter at a time. `map` receives the mean over the channels of
    the last attention map, within 0..1.
    """

    def __init__(
        self,
        steps: tuple[Step, ...],
        x: Tensor,
        *,
        scale: int,
        region: Region,
        strip: int,
    ):
        super().__init__(x, region, scale)
        height, width = x.shape[:2]
        reach = len(steps)  # every step looks one pixel further
        self.steps, self.height = steps, height
        self.attention = x.new_zeros(height, region.width)
        self.outer = outer = region.grown(reach, height, width)
        self.x = x[:, outer.columns]
        self.strip = strip
        self.band = min(strip, -(-outer.height // 4))  # rows that are under way at a time
        # Behind each step: the rows that are done, and where they end once the region is complete.
        self.ends = [max(0, region.top - reach + k) for k in range(reach + 1)]
        self.limits = [min(height, region.bottom + reach - k) for k in range(reach + 1)]
        self.last_reader = {step.source: index for index, step in enumerate(steps)}
        self.last_product = max(i for i, step in enumerate(steps) if step.how == "multiply")
        self.levels = {0: self._level(0, 3, torch.float32)}
        changed = {step.target for step in steps if step.how != "write"} | {steps[-1].target}
        for step in steps:
            if step.how == "write":
                dtype = torch.float32 if step.target in changed else step.conv.weight.dtype
                self.levels[step.target] = self._level(step.target, step.conv.outputs, dtype)

    def _level(self, index: int, channels: int, dtype: torch.dtype) -> Level:
        """An empty level; it will begin with the row above the first that is computed."""
        rows = self.x.new_empty(0, self.outer.width + 2, channels, dtype=dtype)
        return Level(self.ends[index] - 1, rows)

    @property
    def map(self) -> Tensor:
        """See `Pass.map`."""
        return self.attention[self.region.rows]

    @torch.inference_mode()
    def rows(self) -> Iterator[Tensor]:
        """See `RowPass.rows`."""
        ends, final = self.ends, self.levels[self.steps[-1].target]
        while ends[-1] < self.region.bottom:
            done = ends[-1]
            self._enter(min(self.limits[0], ends[0] + self.strip))
            for index, step in enumerate(self.steps):
                self._advance(index, step)
            if ends[-1] > done:
                yield self._pixels(final.part(done, ends[-1]))
                final.forget(ends[-1])

    def _enter(self, end: int) -> None:
        """Read the picture's rows up to `end` into level 0."""
        top, level = self.ends[0], self.levels[0]
        if end > top:
            level.grow(end, self.height)
            level.part(top, end)[:, 1:-1] = self.x[top:end]
            self.ends[0] = end

    def _advance(self, index: int, step: Step) -> None:
        """Run a step as far as its input allows, and free what nothing will read again."""
        ready, old = self.ends[index], self.ends[index + 1]
        new = min(ready if ready == self.height else ready - 1, self.limits[index + 1])
        if new <= old:
            return
        source, target = self.levels[step.source], self.levels[step.target]
        if step.how == "write":
            target.grow(new, self.height)
        for top in range(old, new, self.band):
            end = min(new, top + self.band)
            rows, written = source.part(top - 1, end + 1), target.part(top, end)
            if index == self.last_product:  # its factors are shown
                self._multiply(step, rows, written, self.attention[top:end])
            else:
                self.macs += convolve(
                    rows, step.conv, None, written, slope=step.slope, how=step.how
                )
        self.ends[index + 1] = new
        if self.last_reader[step.source] == index:
            source.forget(new - 1 if new < self.limits[index + 1] else new + 1)

    def _multiply(self, step: Step, rows: Tensor, written: Tensor, mean: Tensor) -> None:
        """Multiply a band of attention into `written`; its mean goes to `mean` (n, width), too."""
        band = torch.empty_like(written)
        self.macs += convolve(rows, step.conv, None, band)
        factors = band[:, 1:-1].sigmoid_()  # the outer columns hold anything
        written[:, 1:-1].mul_(factors)
        mean.copy_(self._inside(factors).mean(dim=2))

    def _inside(self, rows: Tensor) -> Tensor:
        """The region's columns of rows (n, outer width, ...)."""
        margin = self.region.left - self.outer.left
        return rows[:, margin : margin + self.region.width]

    def _pixels(self, rows: Tensor) -> Tensor:
        """The tail's channels (n, pitch, 3 s^2) as the region's pixels (n, width, s, s, 3)."""
        pixels = self._inside(rows[:, 1:-1])
        return pixels.unflatten(2, (self.scale, self.scale, 3))


@dataclass(frozen=True)
class Survey:
    """Nothing but the size: a fixed network does not look before it works."""

    size: tuple[int, int]
    macs: int = 0


@dataclass(frozen=True)
class Allocation:
    """All the work at every pixel. Only the pass tells the attention."""

    macs: int
    knob: float = 1.0
    map: None = None
    cells: None = None
    facts: tuple[Fact, ...] = (Fact("the whole network at every pixel"),)


class FixedUpscaler:
    """An FMEN ready to run, in whatever form it comes. It has no knob: every share is the whole.

    `dtype` is that of the products; None takes bfloat16 where the processor multiplies it.
    """

    def __init__(
        self, name: str, module: FMEN, device: torch.device, dtype: torch.dtype | None = None
    ):
        dtype = dtype or kernels.product_type(device)
        self.name, self.device, self.dtype = name, device, str(dtype).removeprefix("torch.")
        self.scale, self.channels = module.config.scale, module.config.channels
        self.costs = macs(module.config)
        self.steps = steps_of(fuse(module).to(device), dtype)

    def map_range(self, values: np.ndarray) -> tuple[float, float]:
        """What the colours of a map (H, W) reach from and to; one pixel in a hundred lies beyond on
        either side, because the border of the picture would leave no colours to the others."""
        low, high = np.quantile(values[::2, ::2], (0.01, 0.99))
        return float(low), float(high)

    def full_macs(self, size: tuple[int, int]) -> int:
        """MACs of the network for a low-resolution size (height, width)."""
        return self.costs * size[0] * size[1]

    def survey(self, x: Tensor) -> Survey:
        """What is known of a picture x (H, W, 3) before it is computed."""
        return Survey((x.shape[0], x.shape[1]))

    def allocate(self, survey: Survey, budget: Budget) -> Allocation:
        """All of the work, whatever the share: less of it would be no picture."""
        if budget.knob is not None:
            raise BudgetError(f"{self.name} has no knob; it always does all of its work.")
        return Allocation(self.full_macs(survey.size))

    def execute(
        self, x: Tensor, allocation: Allocation, *, region: Region, strip: int
    ) -> FixedPass:
        """A pass over a region of the picture x (H, W, 3)."""
        return FixedPass(self.steps, x, scale=self.scale, region=region, strip=strip)


def build(description: Description) -> FMEN:
    return FMEN(Config(**description["network"]), plain=True)


def describe(module: FMEN) -> dict:
    return {"scale": module.config.scale, "network": asdict(module.config)}


def title(description: Description) -> str:
    """FMEN or FMEN-S, after the name of the weights."""
    return str(description["name"]).rsplit("-x", 1)[0].upper()


def dense(module: FMEN) -> dict[str, nn.Module]:
    """As it runs, and as it is trained (with any weights, as these are fused already)."""
    return {"fused": module, "unfused": FMEN(module.config).eval()}


METHOD = Method(
    key="fixed",
    kind=FMEN,
    build=build,
    describe=describe,
    upscaler=FixedUpscaler,
    title=title,
    map=MapWords(
        key="attention",
        name="Attention map",
        question="Show what it looks at",
        unit="high-frequency attention",
        value="attention {:.3f} at {}, {}",
    ),
    to_inference=fuse,
    dense=dense,
)
