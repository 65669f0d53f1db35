"""A picture in memory, and what is done with its pixels alone."""

from dataclasses import dataclass

import cv2
import numpy as np

BAND = 256  # rows converted at once: large pictures pass without large temporaries


@dataclass(frozen=True)
class Gamma:
    """What a PNG file tells of light: its numbers are light to the power of `exponent`.

    `chromaticities` are x and y of white, red, green and blue. What is None is sRGB's.
    """

    exponent: float | None = None
    chromaticities: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Picture:
    """Pixels (H, W, 3) RGB or (H, W, 1) grey, uint8 or uint16, upright, and what came with them.

    `alpha` (H, W) has the type of the pixels. What the numbers mean is told by the first of these
    that is there: `cicp`, ITU-T H.273's codes of primaries and transfer; `icc`, a profile; `gamma`.
    Without any they are sRGB's.
    `exif` and `xmp` are the bytes of the file; `text` are names and data of PNG's text chunks.
    `dpi` are the dots per inch across and down. `lossless`: a lossy format kept every pixel.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    cicp: tuple[int, int] | None = None
    gamma: Gamma | None = None
    xmp: bytes | None = None
    text: tuple[tuple[bytes, bytes], ...] = ()
    lossless: bool = False

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def grey(self) -> bool:
        return self.pixels.shape[2] == 1

    @property
    def bits(self) -> int:
        """Bits a channel: 8 or 16."""
        return 8 * self.pixels.itemsize


def joined(picture: Picture) -> np.ndarray:
    """Pixels with alpha as the last channel: (H, W, 1..4)."""
    if picture.alpha is None:
        return picture.pixels
    return np.concatenate([picture.pixels, picture.alpha[:, :, None]], axis=2)


def flattened(
    picture: Picture, background: float = 1.0, kind: np.dtype | None = None
) -> np.ndarray:
    """Pixels over a grey of 0..1, as uint8 or uint16 `kind`, their own if None."""
    if picture.alpha is None:
        return picture.pixels
    limit, kind = np.iinfo(picture.pixels.dtype).max, kind or picture.pixels.dtype
    flat, full = np.empty(picture.pixels.shape, kind), np.iinfo(kind).max
    for top in range(0, picture.height, BAND):
        rows = slice(top, top + BAND)
        share = picture.alpha[rows, :, None].astype(np.float32) / limit
        mixed = picture.pixels[rows] * share / limit + background * (1 - share)
        flat[rows] = np.rint(mixed * full)
    return flat


def shallow(pixels: np.ndarray) -> np.ndarray:
    """At most 8 bits a channel, rounded."""
    if pixels.dtype == np.uint8:
        return pixels
    reduced = np.empty(pixels.shape, np.uint8)
    for top in range(0, len(pixels), BAND):
        rows = slice(top, top + BAND)
        reduced[rows] = (pixels[rows].astype(np.uint32) * 255 + 32_767) // 65_535
    return reduced


def bleed(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Pixels (H, W, C) whose fully transparent ones take the colour of the nearest visible one.

    `alpha` is (H, W). Returns `pixels` itself where nothing, or all, is fully transparent.
    What a file stores there is arbitrary, often black; upscaling would draw it into the edges.
    """
    hidden = alpha == 0
    if not hidden.any() or hidden.all():
        return pixels
    _, nearest = cv2.distanceTransformWithLabels(
        hidden.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((nearest.max() + 1, pixels.shape[2]), pixels.dtype)
    colours[nearest[~hidden]] = pixels[~hidden]
    return colours[nearest]


def parted(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Pixels (H, W, C) that were stored multiplied by alpha (H, W), as they were before."""
    limit = np.iinfo(pixels.dtype).max
    whole = np.empty_like(pixels)
    for top in range(0, len(pixels), BAND):
        rows = slice(top, top + BAND)
        share = np.maximum(alpha[rows, :, None], 1) / np.float32(limit)
        whole[rows] = np.minimum(np.rint(pixels[rows] / share), limit)
    return whole
