"""AdaDSR: every pixel passes through as many residual blocks as it needs.

Source: Liu et al., "AdaDSR: Adaptive Inference Networks for Deep Single Image Super-Resolution",
ECCV Workshops 2020 (arXiv 2004.03915), sections 3.1 to 3.4.

The network and its adapter, which predicts how deep each pixel goes, are in
`engine.networks.adadsr`. Here is how they run for a budget, block by block only where the depth map
says so.

Both convolutions of F_l are sparse (section 3.2), and the second sees zeros where the first has
not run. So the published costs count it. The authors' released code also runs the first one pixel
around the active ones; at the same cost, pixels then pass through a seventh fewer blocks.

Deviations:

* A map in use is smoothed (`with_neighbours`) and rounded to whole blocks, so that what has been
  computed is also added whole. The fractions of Eq. 4 are for training, where they give the map its
  gradient.
* A budget may be a share of the dense network's MACs; the paper only offers the desired depth.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import kernels
from engine.adaptive.contract import Description, Fact, MapWords, Method
from engine.adaptive.wavefront import DepthPass, pack_edsr
from engine.budget import Budget
from engine.kernels import convolve, pack
from engine.networks.adadsr import AdaDSR, Config
from engine.networks.edsr import EDSR, macs
from engine.networks.edsr import Config as EDSRConfig
from engine.tiling import Region


@dataclass(frozen=True)
class Survey:
    """What is known of a picture before any budget: the adapter's map at desired depth 1.

    `content` (H, W) >= FLOOR; its values in ascending order turn the cost of any depth into a few
    look-ups.
    """

    content: Tensor
    ascending: Tensor
    macs: int

    @property
    def size(self) -> tuple[int, int]:
        return self.content.shape[0], self.content.shape[1]


@dataclass(frozen=True)
class Allocation:
    """A depth map (H, W) in blocks for one picture, and what it will cost."""

    knob: float
    map: Tensor
    macs: int
    blocks: int
    cells: None = None

    @property
    def facts(self) -> tuple[Fact, ...]:
        mean = Fact("mean depth {:.1f} of {:g} blocks", (float(self.map.mean()), self.blocks))
        return (mean, Fact("d = {:.1f}", (self.knob,))) if self.knob < 10 * self.blocks else (mean,)


def rounded(depth: Tensor) -> Tensor:
    """Depths >= 0 to the nearest whole number of blocks, halves downwards."""
    return (depth - 0.5).ceil().clamp(min=0)


def with_neighbours(content: Tensor) -> Tensor:
    """The harmonic mean over 3x3 pixels of a map (H, W) > 0.

    Not in the paper. A block sees zeros around a pixel that goes deeper than its neighbours, so
    going there alone gains little; the harmonic mean follows the shallowest neighbours.
    """
    inverse = F.avg_pool2d(content.reciprocal()[None], 3, 1, padding=1, count_include_pad=False)
    return inverse[0].reciprocal_()


FLOOR = 1e-3  # the least content: any pixel reaches every block at some desired depth
SURVEY_STRIP = 32  # rows


def _ascending(values: Tensor) -> Tensor:
    """All values in a row, sorted; on the CPU by NumPy, which sorts them many times faster."""
    flat = values.flatten()
    if flat.device.type == "cpu":
        return torch.from_numpy(np.sort(flat.numpy()))
    return flat.sort().values


class DepthUpscaler:
    """An AdaDSR ready to run. The knob is the desired depth d in blocks.

    `dtype` is that of the products; None takes bfloat16 where the processor multiplies it.

    Surveys are for `form="output"`, whose map at any d is d times that at 1; with `form="input"`
    the adapter would have to run again for every d, which no slider can wait for.
    """

    def __init__(
        self, name: str, module: AdaDSR, device: torch.device, dtype: torch.dtype | None = None
    ):
        if module.config.form != "output":
            raise ValueError("only an adapter of the output form can be surveyed")
        dtype = dtype or kernels.product_type(device)
        self.name, self.device, self.dtype = name, device, str(dtype).removeprefix("torch.")
        self.blocks, self.scale = module.blocks, module.network.config.scale
        network = module.network
        assert isinstance(network, EDSR)  # the only trunk that is packed
        self.costs = macs(network.config)
        self.packed = pack_edsr(network.to(device), dtype)
        adapter = module.adapter.to(device)
        self.adapter = [pack(c.weight.detach(), c.bias.detach(), dtype) for c in adapter.layers()]
        slopes = [float(s.weight) for s in adapter.slopes if isinstance(s, nn.PReLU)]
        self.slopes = [*slopes, 0.0]

    def map_range(self, values: np.ndarray) -> tuple[float, float]:
        """What the colours of a map (H, W) reach from and to."""
        return 0.0, float(self.blocks)

    def full_macs(self, size: tuple[int, int]) -> int:
        """MACs of the plain dense network for a low-resolution size (height, width)."""
        return self.costs.whole * size[0] * size[1]

    @torch.inference_mode()
    def survey(self, x: Tensor) -> Survey:
        """Run head and adapter over a picture x (H, W, 3) in [0, 1]."""
        content, executed = self._content(x)
        return self.survey_of(with_neighbours(content.clamp_(min=FLOOR)), executed)

    def survey_of(self, content: Tensor, executed: int = 0) -> Survey:
        """The survey of a given content map (H, W); a flat one spends the same depth everywhere."""
        content = content.clamp(min=FLOOR)
        return Survey(content, _ascending(content), executed)

    def _content(self, x: Tensor) -> tuple[Tensor, int]:
        """The adapter's map (H, W) at d = 1 and the executed MACs.

        Strips of rows pass through the layers, each of which ends a row above its source; the last
        two rows of a source serve the next strip again, so that nothing is computed twice.
        """
        height, width = x.shape[:2]
        layers = [self.packed.head, *self.adapter]
        channels = [3, *(conv.outputs for conv in layers)]
        most = SURVEY_STRIP + len(layers) + 3  # the last strip also has what layers are behind
        sources = [x.new_zeros(most, width + 2, c) for c in channels]
        held = [1] * len(layers) + [0]  # rows; at first the zeros above the picture
        content, done, executed = x.new_empty(height, width), 0, 0
        for top in range(0, height, SURVEY_STRIP):
            entering = x[top : top + SURVEY_STRIP]
            fresh = entering.shape[0]
            torch.sub(entering, self.packed.mean, out=sources[0][held[0] : held[0] + fresh, 1:-1])
            for i, (conv, slope) in enumerate(zip(layers, [1.0, *self.slopes], strict=True)):
                rows = held[i] + fresh
                if top + SURVEY_STRIP >= height:  # zeros below the picture
                    sources[i][rows] = 0
                    rows += 1
                fresh = max(0, rows - 2)
                target = sources[i + 1][held[i + 1] : held[i + 1] + fresh]
                executed += convolve(sources[i][:rows], conv, None, target, slope=slope)
                sources[i][:2] = sources[i][rows - 2 : rows].clone()
                held[i] = 2
            content[done : done + fresh] = sources[-1][:fresh, 1:-1, 0]
            done += fresh
        return content, executed

    def cost(self, survey: Survey, desired: float) -> int:
        """MACs executed at a desired depth: what is always done, and two convolutions a block."""
        pixels = survey.content.numel()
        starts = torch.arange(self.blocks, device=survey.content.device) + 0.5  # see `rounded`
        bounds = starts / max(desired, 1e-9)
        entered = (pixels - torch.searchsorted(survey.ascending, bounds, right=True)).sum()
        always = (self.costs.whole - self.blocks * self.costs.block) * pixels
        return survey.macs + always + self.costs.block * int(entered)

    def at_knob(self, survey: Survey, knob: float) -> Allocation:
        """The paper's control: the depth map at a desired depth."""
        depth = rounded(survey.content * knob).clamp(max=self.blocks)
        return Allocation(knob, depth, self.cost(survey, knob), self.blocks)

    def allocate(self, survey: Survey, budget: Budget) -> Allocation:
        if budget.knob is not None:
            return self.at_knob(survey, budget.knob)
        return self.at_share(survey, budget.share or 0.0)

    def at_share(self, survey: Survey, share: float) -> Allocation:
        """The desired depth whose executed MACs are `share` times those of the dense network.

        The largest such depth that does not overspend; the least possible where even that does.
        """
        target = share * self.full_macs(survey.size)
        low, high = 0.0, (self.blocks + 1) / float(survey.content.min())
        if share >= 1:
            return self.at_knob(survey, high)
        for _ in range(40):
            middle = (low + high) / 2
            if self.cost(survey, middle) <= target:
                low = middle
            else:
                high = middle
        return self.at_knob(survey, low)

    def execute(
        self, x: Tensor, allocation: Allocation, *, region: Region, strip: int
    ) -> DepthPass:
        """A pass over a region of the picture x (H, W, 3)."""
        return DepthPass(self.packed, x, allocation.map, region=region, strip=strip)


def build(description: Description) -> AdaDSR:
    network = EDSR(EDSRConfig(**description["network"]))
    return AdaDSR(network, Config(**description["adapter"]))


def describe(module: AdaDSR) -> dict:
    network = module.network.config
    assert isinstance(network, EDSRConfig)
    return {"scale": network.scale, "network": asdict(network), "adapter": asdict(module.config)}


def uniform(survey: Survey) -> Survey:
    """The same depth at every pixel, to show what the map is worth."""
    content = torch.ones_like(survey.content)
    return replace(survey, content=content, ascending=_ascending(content))


METHOD = Method(
    key="depth",
    kind=AdaDSR,
    build=build,
    describe=describe,
    upscaler=DepthUpscaler,
    title=lambda description: "AdaEDSR",
    map=MapWords(
        key="depth",
        name="Depth map",
        question="Show where the work goes",
        unit="blocks",
        value="depth {:g} at {}, {}",
    ),
    knob="d",
    dense=lambda module: {"full": module.network},
    variants={"uniform": uniform},
)
