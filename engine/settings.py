"""One object for all that decides what becomes of a picture, alone or in a folder of thousands."""

import hashlib
import json
import string
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from engine import library
from engine.adaptive.contract import AnyUpscaler
from engine.budget import FULL, Budget
from engine.errors import SettingsError, UpscalerError
from engine.pictures.formats import replaced, written
from engine.resize import Size

DTYPES = {"auto": None, "float32": torch.float32, "bfloat16": torch.bfloat16}
NATIVE = Size()
TEMPLATE = "{stem}_{scale}x"
FIELDS = ("stem", "ext", "scale", "model", "budget", "width", "height")


@dataclass(frozen=True)
class Settings:
    """How pictures are upscaled and written.

    `template` names the output, its fields are FIELDS; `format` is its ending, None for the
    source's own. `quality` 1..100 is for JPEG, WebP and AVIF. `device` and `dtype` may be "auto".
    """

    name: str
    budget: Budget = FULL
    size: Size = NATIVE
    template: str = TEMPLATE
    format: str | None = None
    quality: int = 95
    device: str = "auto"
    dtype: str = "auto"

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise SettingsError(f"The quality must lie between 1 and 100, not at {self.quality}.")
        if self.format is not None and ending(self.format) not in written():
            known = ", ".join(sorted(written()))
            raise SettingsError(f"{self.format} cannot be written; choose one of {known}.")
        check_template(self.template)
        if "{model" in self.template and any(c in self.name for c in "/\\"):
            raise SettingsError(
                f"The weights {self.name} lie in a folder, so that {{model}} makes no file's name; "
                "leave it out."
            )


def ending(form: str) -> str:
    """A format as the user gives it, png or .PNG, as the ending of a file."""
    return "." + form.lower().lstrip(".")


def check_template(template: str) -> None:
    """Raises SettingsError where a template does not make the name of a file."""
    known = ", ".join("{" + field + "}" for field in FIELDS)
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field]
        name = template.format(**dict.fromkeys(FIELDS, "1"))
    except (ValueError, KeyError, IndexError, AttributeError):
        raise SettingsError(f"The name {template} has a field that is not among {known}.") from None
    if "stem" not in fields:
        raise SettingsError(f"The name {template} lacks {{stem}}; all files would get one name.")
    if any(character in name for character in "/\\\0") or name.startswith("."):
        raise SettingsError(f"The name {template} must hold no slash and begin with no full stop.")


def target_name(settings: Settings, source: Path, *, size: tuple[int, int], scale: int) -> str:
    """The name of the output for a source of (height, width) and a network's scale."""
    height, width = settings.size.of(size, scale)
    budget = settings.budget
    suffix = source.suffix.lower()
    kept = replaced().get(suffix, source.suffix)
    name = settings.template.format(
        stem=source.stem,
        ext=suffix.lstrip("."),
        scale=f"{round(width / size[1], 2):g}",
        model=settings.name,
        budget=f"{budget.knob:g}" if budget.share is None else f"{100 * budget.share:g}",
        width=width,
        height=height,
    )
    return name + (ending(settings.format) if settings.format else kept)


def fingerprint(settings: Settings, upscaler: AnyUpscaler) -> str:
    """A digest of all that decides the bytes of an output, of the weights as well.

    Neither the device nor the names of the outputs are part of it.
    """
    with open(library.shipped() / f"{settings.name}.safetensors", "rb") as file:
        weights = hashlib.file_digest(file, "blake2b").hexdigest()
    decisive = {
        "weights": weights,
        "budget": asdict(settings.budget),
        "size": asdict(settings.size),
        "quality": settings.quality,
        "dtype": upscaler.dtype,
    }
    text = json.dumps(decisive, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def choose_device(name: str) -> torch.device:
    """The device of that name, the fastest for "auto". Raises UpscalerError where it is missing."""
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(n for n, there in present.items() if there))
    if not present[name]:
        raise UpscalerError(f"This machine has no {name} device; --device cpu works everywhere.")
    return torch.device(name)


def load_upscaler(settings: Settings, folder: Path | None = None) -> AnyUpscaler:
    """The Upscaler of the settings; `folder` holds the weights if not the program's own does."""
    device = choose_device(settings.device)
    return library.load(settings.name, device, folder, dtype=DTYPES[settings.dtype])
