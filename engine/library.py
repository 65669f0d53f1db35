"""The weights that ship: `models/NAME.safetensors` beside a readable `models/NAME.json`.

The JSON file names the method, the network and their configurations, and holds what the training
and the evaluation left behind: recipe, steps, data, seed, commit, PSNR and SSIM at several budgets.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from engine.adaptive import depth, fixed, mask
from engine.errors import UpscalerError
from engine.networks import edsr, fmen, mga


def shipped() -> Path:
    """The folder of weights: models/ of the program, or what FOVEA_MODELS names."""
    default = Path(__file__).resolve().parent.parent / "models"
    return Path(os.environ.get("FOVEA_MODELS", default))


def build_depth(description: dict[str, Any]) -> nn.Module:
    network = edsr.EDSR(edsr.Config(**description["network"]))
    return depth.AdaDSR(network, depth.Config(**description["adapter"]))


def describe_depth(module: depth.AdaDSR) -> dict[str, Any]:
    network = module.network.config
    return {
        "scale": network.scale,
        "network": asdict(network),
        "adapter": asdict(module.config),
    }


def build_fixed(description: dict[str, Any]) -> nn.Module:
    return fmen.FMEN(fmen.Config(**description["network"]), plain=True)


def describe_fixed(module: fmen.FMEN) -> dict[str, Any]:
    return {"scale": module.config.scale, "network": asdict(module.config)}


def build_mask(description: dict[str, Any]) -> nn.Module:
    family = description["family"]
    return mga.MaskGuided(family, mga.NETWORKS[family].Config(**description["network"]))


def describe_mask(module: mga.MaskGuided) -> dict[str, Any]:
    return {
        "scale": module.config.scale,
        "family": module.name,
        "network": asdict(module.config),
    }


@dataclass(frozen=True)
class Method:
    """How a method's weights become a module of a kind, the module an Upscaler, and what the JSON
    file must say to build the module again."""

    kind: type[nn.Module]
    build: Callable[[dict[str, Any]], nn.Module]
    upscaler: Callable[[str, nn.Module, torch.device, torch.dtype | None], Any]
    describe: Callable[[Any], dict[str, Any]]


METHODS = {
    "depth": Method(depth.AdaDSR, build_depth, depth.DepthUpscaler, describe_depth),
    "mask": Method(mga.MaskGuided, build_mask, mask.MaskUpscaler, describe_mask),
    "fixed": Method(fmen.FMEN, build_fixed, fixed.FixedUpscaler, describe_fixed),
}


def names(folder: Path | None = None) -> list[str]:
    """All weights that can be loaded, sorted by name."""
    folder = folder or shipped()
    return sorted(p.stem for p in folder.glob("*.json") if p.with_suffix(".safetensors").exists())


def describe(name: str, folder: Path | None = None) -> dict[str, Any]:
    """What the JSON file says. Raises UpscalerError for an unknown name or a damaged file."""
    path = (folder or shipped()) / f"{name}.json"
    if not path.exists():
        known = ", ".join(names(folder)) or "none"
        raise UpscalerError(f"There are no weights called {name}; there are: {known}.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UpscalerError(f"{path} is damaged ({error}); fetch it again.") from error


def load_module(name: str, folder: Path | None = None) -> nn.Module:
    """The trained module, on the CPU and ready for inference."""
    description = describe(name, folder)
    path = (folder or shipped()) / f"{name}.safetensors"
    try:
        module = METHODS[description["method"]].build(description)
        module.load_state_dict(load_file(path))
    except (KeyError, TypeError, RuntimeError, OSError, SafetensorError) as error:
        raise UpscalerError(f"The weights {path} do not fit their description: {error}") from error
    return module.eval().requires_grad_(False)


def load(
    name: str,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    *,
    dtype: torch.dtype | None = None,
) -> Any:
    """The Upscaler of that name on a device; `dtype` of its products, None for the fastest."""
    method = METHODS[describe(name, folder)["method"]]
    return method.upscaler(name, load_module(name, folder), torch.device(device), dtype)


def save(name: str, module: nn.Module, facts: dict[str, Any], folder: Path | None = None) -> None:
    """Write a module's weights with their description; `facts` are added to it as they are.

    An FMEN is written in its plain form. Raises UpscalerError for a module that no method runs.
    """
    method = next((n for n, m in METHODS.items() if isinstance(module, m.kind)), None)
    if method is None:
        raise UpscalerError(f"No method runs a bare {type(module).__name__}; it cannot be saved.")
    if isinstance(module, fmen.FMEN):
        module = fmen.fuse(module)
    folder = folder or shipped()
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}
    description = {
        "name": name,
        "method": method,
        **METHODS[method].describe(module),
        **facts,
    }
    save_file(state, folder / f"{name}.safetensors")
    _write(description, folder)


def record(name: str, title: str, rows: list[dict[str, float]], folder: Path | None = None) -> None:
    """Keep what an evaluation on the set `title` has measured, one row a budget."""
    folder = folder or shipped()
    description = describe(name, folder)
    kept = [{key: round(value, 4) for key, value in row.items()} for row in rows]
    description["scores"] = {**description.get("scores", {}), title: kept}
    _write(description, folder)


def _write(description: dict[str, Any], folder: Path) -> None:
    text = json.dumps(description, indent=2) + "\n"
    (folder / f"{description['name']}.json").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(table(folder), encoding="utf-8")


def table(folder: Path) -> str:
    """models/README.md: what the JSON files say, for people."""
    lines = [
        "# Weights",
        "",
        "Made from the JSON files. GMACs: executed multiply-accumulates per picture, in 1e9, 1 MAC",
        "counted as 1 FLOP, overlap included. PSNR and SSIM on Y of YCbCr, border = scale.",
        "",
        "| weights | method | trained | set | budget | GMACs | of | PSNR | SSIM |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in names(folder):
        entry = describe(name, folder)
        trained = f"{entry.get('recipe', '')}, {entry.get('steps', 0)} steps"
        for title, rows in entry.get("scores", {}).items():
            lines += [
                f"| {name} | {entry['method']} | {trained} | {title} | {row['budget']:.0f} % "
                f"| {row['gmacs']:.2f} | {row['gmacs_full']:.2f} "
                f"| {row['psnr_y']:.3f} | {row['ssim_y']:.4f} |"
                for row in rows
            ]
    return "\n".join(lines) + "\n"
