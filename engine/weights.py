"""The two files of a network's weights, read with care: anybody may have made them.

What they say is checked before anything is built from it, so that no file costs more memory or time
than it has bytes. All functions raise UpscalerError, whose one sentence names the file.
"""

import json
import math
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from engine.errors import UpscalerError

LONGEST = 4 << 20  # bytes of a description, scores and history included
LARGEST = 4096  # of all sizes and counts of a network
SCALES = range(1, 17)

Shapes = dict[str, tuple[int, ...]]


def read_description(path: Path, methods: Collection[str]) -> dict[str, Any]:
    """What NAME.json says: `method`, one of `methods`, `scale`, `network` and more."""
    found = _read_json(path)
    if not isinstance(found, dict):
        raise UpscalerError(f"{path} does not describe weights; fetch it again.")
    if found.get("method") not in list(methods):
        raise UpscalerError(f"{path} names no method of these: {', '.join(methods)}.")
    if not _whole(found.get("scale")) or found["scale"] not in SCALES:
        raise UpscalerError(f"{path} lacks a scale between {SCALES[0]} and {SCALES[-1]}.")
    for part in ("network", "adapter", "scores"):
        if not isinstance(found.get(part, {}), dict):
            raise UpscalerError(f"{path}: {part} is not a table of values; fetch it again.")
    for part in ("network", "adapter"):
        _check_config(path, part, found.get(part, {}))
    if found.get("network", {}).get("scale", found["scale"]) != found["scale"]:
        raise UpscalerError(f"{path} names two scales; fetch it again.")
    return {**found, "name": path.stem}


def _read_json(path: Path) -> object:
    if not path.is_file():
        raise UpscalerError(f"{path} is no file.")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
        if len(text) > LONGEST:
            raise UpscalerError(f"{path} is too long for a description of weights.")
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UpscalerError(f"{path} is damaged ({error}); fetch it again.") from None
    except OSError as error:
        raise UpscalerError(f"{path} cannot be read: {error.strerror}.") from None


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_config(path: Path, part: str, config: dict[str, object]) -> None:
    """A network's configuration: plain values, and no size out of bounds."""
    for key, value in config.items():
        sound = isinstance(value, bool | str)
        sound |= isinstance(value, float) and math.isfinite(value)
        sound |= isinstance(value, int) and _whole(value) and 1 <= value <= LARGEST
        if not sound:
            shown = str(value)[:20]
            raise UpscalerError(f"{path}: {part} has {key} = {shown}, which no network can have.")


def build(make: Callable[[], nn.Module], path: Path) -> nn.Module:
    """The module that `make` makes, with the weights of a safetensors file.

    What does not fit the file is given up before it takes memory.
    """
    shapes = shapes_of(path)
    try:
        with _bounded(shapes):
            module = make()
    except Exception as error:  # a network raises anything when its configuration makes no sense
        reason = f"no {error}" if isinstance(error, KeyError) else _line(error)
        raise UpscalerError(f"{path} does not fit its description: {reason}.") from error
    own = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    different = [name for name in (own | shapes) if own.get(name) != shapes.get(name)]
    if different:
        name = different[0]
        sizes = f"{shapes.get(name, 'missing')}, not {own.get(name, 'there')}"
        raise UpscalerError(f"{path} does not fit its description: its {name} is {sizes}.")
    module.load_state_dict(_read_tensors(path))
    return module


def shapes_of(path: Path) -> Shapes:
    """Names and shapes of the tensors in a safetensors file, by its head alone."""
    if not path.is_file():  # anything else could block for ever
        raise UpscalerError(f"{path} is no file.")
    try:
        with safe_open(path, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise UpscalerError(f"{path} is damaged ({_line(error)}); fetch it again.") from error


@contextmanager
def _bounded(shapes: Shapes) -> Iterator[None]:
    """While active, this thread makes no network with many more, or larger, tensors than a file."""
    thread, left = threading.get_ident(), 2 * len(shapes)  # some are made only to be replaced
    largest = max((math.prod(shape) for shape in shapes.values()), default=0)

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal left
        if parameter is None or threading.get_ident() != thread:
            return
        left -= 1
        if left < 0 or parameter.numel() > largest:
            raise ValueError("its tensors are fewer, or smaller")

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, each number of which is one."""
    try:
        found = load_file(path)
        bad = [name for name, value in found.items() if not torch.isfinite(value.float()).all()]
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise UpscalerError(f"{path} is damaged ({_line(error)}); fetch it again.") from error
    if bad:
        raise UpscalerError(f"{path} is damaged: its {bad[0]} holds no numbers; fetch it again.")
    return found


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
