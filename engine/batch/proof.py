"""How a worker proves that it gives the same bytes as we: the same program, and one small picture.

The source is digested when this module is loaded, with all of the engine. So a worker that was
started before an update proves the version it runs, not the one that lies on its disk.
"""

import hashlib
import io
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch

import engine
from engine.batch.stages import fill, upscaled
from engine.pictures import Picture
from engine.pictures.formats import written_formats
from engine.run import drain
from engine.settings import Settings

SOURCE = (".py", ".cpp", ".h")


class Proof(TypedDict):
    """What must be the same on two machines that are to give the same bytes."""

    code: str
    torch: str
    dtype: str
    pixels: str


def source_digest() -> str:
    """The digest of all of the engine's source."""
    top, digest = Path(engine.__file__).parent, hashlib.blake2b(digest_size=16)
    for path in sorted(path for path in top.rglob("*") if path.suffix in SOURCE):
        for part in (path.relative_to(top).as_posix().encode(), path.read_bytes()):
            digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


CODE = source_digest()


def proof(upscaler: Any, settings: Settings) -> Proof:
    """The proof of this machine. It upscales a small picture and writes it in every format."""
    result, facts = drain(upscaled(upscaler, sample(), settings))
    digest = hashlib.blake2b(digest_size=16)
    for form in written_formats():
        file = io.BytesIO()
        target = Path(f"sample{form.endings[0]}")
        fill(file, result.picture, target, facts=facts, settings=settings)
        digest.update(file.getvalue())
    return {
        "code": CODE,
        "torch": str(torch.__version__),  # which is a type of its own
        "dtype": upscaler.dtype,
        "pixels": digest.hexdigest(),
    }


def sample() -> Picture:
    """A picture of 40 × 56 pixels with slopes, edges, texture and alpha."""
    y, x = np.mgrid[:40, :56]
    red, green = (4 * y + x) % 256, np.where(x > y, 200, 40)
    pixels = np.stack([red, green, (x * x + 7 * y * x) % 256], axis=2)
    return Picture(pixels.astype(np.uint8), alpha=(255 - 2 * np.abs(x - y)).astype(np.uint8))


def difference(theirs: Proof, ours: Proof) -> str | None:
    """In words what keeps a worker from giving our bytes; None where nothing does."""
    if theirs == ours:
        return None
    if theirs.get("torch") != ours["torch"]:
        return f"it has PyTorch {theirs.get('torch')}, not {ours['torch']}"
    if theirs.get("code") != ours["code"]:
        return "it runs another version of Fovea"
    if theirs.get("dtype") != ours["dtype"]:
        return f"it computes in {theirs.get('dtype')}, not in {ours['dtype']}"
    return "it gives other bytes for the same picture"
