"""The weights that ship: `models/NAME.safetensors` beside a readable `models/NAME.json`.

The JSON file names the method, the network and their configurations, and holds what the training
and the evaluation left behind: recipe, steps, data, seed, commit, PSNR and SSIM at several budgets.
"""

import json
import math
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as as_bytes
from torch import nn

from engine.adaptive import depth, fixed, mask
from engine.adaptive.contract import AnyUpscaler, Method
from engine.errors import UpscalerError
from engine.pictures.atomic import atomic
from engine.weights import build, read_description, shapes_of


def shipped() -> Path:
    """The folder of weights: models/ of the program, or what FOVEA_MODELS names."""
    default = Path(__file__).resolve().parent.parent / "models"
    return Path(os.environ.get("FOVEA_MODELS", default))


METHODS = {method.key: method for method in (depth.METHOD, mask.METHOD, fixed.METHOD)}


def listed(folder: Path | None = None) -> tuple[list[dict[str, Any]], list[UpscalerError]]:
    """The descriptions of all weights, sorted by name, and what is wrong with the others."""
    folder = folder or shipped()
    sound, troubles = [], []
    for path in sorted(folder.glob("*.json")):
        tensors = path.with_suffix(".safetensors")
        if not tensors.exists():
            continue
        try:
            shapes_of(tensors)
            sound.append(describe(path.stem, folder))
        except UpscalerError as error:
            troubles.append(error)
    return sound, troubles


def names(folder: Path | None = None) -> list[str]:
    """All weights that can be loaded, sorted by name."""
    return [entry["name"] for entry in listed(folder)[0]]


def describe(name: str, folder: Path | None = None) -> dict[str, Any]:
    """What the JSON file says. Raises UpscalerError for an unknown name or a damaged file."""
    path = (folder or shipped()) / f"{name}.json"
    if not os.path.lexists(path):
        known = ", ".join(names(folder)) or "none"
        raise UpscalerError(f"There are no weights called {name}; there are: {known}.")
    return read_description(path, METHODS)


def method_of(name: str, folder: Path | None = None) -> Method:
    """The method that runs these weights."""
    return METHODS[describe(name, folder)["method"]]


def title_of(name: str, folder: Path | None = None) -> str:
    """What the network is called by people."""
    return method_of(name, folder).title(describe(name, folder))


def bytes_of(name: str, folder: Path | None = None) -> int:
    """The size of the weights: of networks of one method, what is larger also does more."""
    return ((folder or shipped()) / f"{name}.safetensors").stat().st_size


def load_module(name: str, folder: Path | None = None) -> nn.Module:
    """The trained module, on the CPU and ready for inference. Raises UpscalerError."""
    description = describe(name, folder)
    path = (folder or shipped()) / f"{name}.safetensors"
    module = build(partial(METHODS[description["method"]].build, description), path)
    return module.eval().requires_grad_(False)


def load(
    name: str,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    *,
    dtype: torch.dtype | None = None,
) -> AnyUpscaler:
    """The Upscaler of that name on a device; `dtype` of its products, None for the fastest."""
    description = describe(name, folder)
    method, module = METHODS[description["method"]], load_module(name, folder)
    try:
        upscaler = method.upscaler(name, module, torch.device(device), dtype)
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise UpscalerError(f"The weights {name} cannot be run: {error}.") from error
    if upscaler.scale != description["scale"]:
        raise UpscalerError(f"The weights {name} upscale by {upscaler.scale}, not as described.")
    return upscaler


def save(name: str, module: nn.Module, facts: dict[str, Any], folder: Path | None = None) -> None:
    """Write a module's weights with their description; `facts` are added to it as they are.

    It is written in the form in which it runs. Raises UpscalerError where no method runs it.
    """
    method = next((n for n, m in METHODS.items() if isinstance(module, m.kind)), None)
    if method is None:
        raise UpscalerError(f"No method runs a bare {type(module).__name__}; it cannot be saved.")
    module = METHODS[method].to_inference(module)
    folder = folder or shipped()
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}
    description = {
        "name": name,
        "method": method,
        **METHODS[method].describe(module),
        **facts,
    }
    with atomic(folder / f"{name}.safetensors", overwrite=True) as file:
        file.write(as_bytes(state))
    _write(description, folder)


def record(
    name: str, title: str, rows: list[dict[str, float | None]], folder: Path | None = None
) -> None:
    """Keep what an evaluation on the set `title` has measured, one row a budget."""
    folder = folder or shipped()
    description = describe(name, folder)
    kept = [{key: _short(value) for key, value in row.items()} for row in rows]
    description["scores"] = {**description.get("scores", {}), title: kept}
    _write(description, folder)


def _short(value: float | None) -> float | None:
    return value if value is None or not math.isfinite(value) else round(value, 4)


def _write(description: dict[str, Any], folder: Path) -> None:
    text = json.dumps(description, indent=2) + "\n"
    with atomic(folder / f"{description['name']}.json", overwrite=True) as file:
        file.write(text.encode())
    with atomic(folder / "README.md", overwrite=True) as file:
        file.write(table(folder).encode())


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
    for entry in listed(folder)[0]:
        begin = f"| {entry['name']} | {entry['method']} | {entry.get('recipe', '')}, "
        begin += f"{entry.get('steps', 0)} steps"
        for title, row in _measured(entry):
            figures = [form.format(row[key]) for key, form in FIGURES.items()]
            lines.append(" | ".join([begin, title, *figures]) + " |")
    return "\n".join(lines) + "\n"


FIGURES = {
    "budget": "{:.0f} %",
    "gmacs": "{:.2f}",
    "gmacs_full": "{:.2f}",
    "psnr_y": "{:.3f}",
    "ssim_y": "{:.4f}",
}


def _measured(entry: dict[str, Any]) -> Iterator[tuple[str, dict[str, float]]]:
    """The sets and rows of a description's scores that have all figures."""
    for title, rows in entry.get("scores", {}).items():
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and all(isinstance(row.get(k), int | float) for k in FIGURES):
                yield title, row
