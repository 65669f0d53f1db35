"""What the chunks of a PNG file tell of its picture, its pixels apart."""

import struct
import zlib
from dataclasses import replace

import numpy as np

from engine.pictures import exif, xmp
from engine.pictures.metadata import dots
from engine.pictures.picture import Gamma, Picture
from engine.pictures.png import UNIT, XMP
from engine.pictures.srgb import SRGB

TEXTS = (b"tEXt", b"zTXt", b"iTXt")
RAW_EXIF = (b"Raw profile type exif", b"Raw profile type APP1")  # ImageMagick's, in hexadecimals
RAW_XMP = (b"Raw profile type xmp",)
LARGEST = 64 << 20  # bytes of an unpacked profile or text; what is larger is passed over
Chunks = dict[bytes, list[bytes]]


def told(picture: Picture, others: Chunks) -> Picture:
    """The picture with what the chunks tell of it; they are those that the pixels do not need."""
    cicp, full = cicp_of(others)
    icc = profile_of(others)
    return replace(
        picture,
        pixels=picture.pixels if full else widened(picture.pixels),
        cicp=cicp,
        icc=icc,
        gamma=None if cicp or icc else gamma_of(others),
        exif=exif.upright(exif_of(others)),
        xmp=xmp.upright(xmp_of(others)),
        text=text_of(others),
        dpi=resolution_of(others),
    )


def cicp_of(others: Chunks) -> tuple[tuple[int, int] | None, bool]:
    """H.273's codes of primaries and transfer, and whether the numbers have their full range."""
    for body in others.get(b"cICP", ()):
        if len(body) == 4:
            return (body[0], body[1]), body[3] != 0
    srgb = b"sRGB" in others and b"iCCP" not in others
    return SRGB if srgb else None, True


def widened(pixels: np.ndarray) -> np.ndarray:
    """Numbers from 16 to 235 of 255, or as many times that of 65535, in their full range."""
    most, unit = np.iinfo(pixels.dtype).max, 1 << 8 * (pixels.itemsize - 1)
    steps = (np.arange(most + 1) - 16 * unit) / (219 * unit)
    return np.rint(steps.clip(0, 1) * most).astype(pixels.dtype)[pixels]


def gamma_of(others: Chunks) -> Gamma | None:
    """What gAMA and cHRM tell."""
    exponent, chromaticities = others.get(b"gAMA", [b""])[0], others.get(b"cHRM", [b""])[0]
    gamma = Gamma(
        struct.unpack(">I", exponent)[0] / UNIT or None if len(exponent) == 4 else None,
        tuple(n / UNIT for n in struct.unpack(">8I", chromaticities))
        if len(chromaticities) == 32
        else None,
    )
    return gamma if gamma != Gamma() else None


def texts(others: Chunks) -> list[tuple[bytes, bytes, bytes]]:
    """Chunks of text: their name, their keyword, and all their data."""
    return [
        (name, body.partition(b"\0")[0], body) for name in TEXTS for body in others.get(name, ())
    ]


def text_of(others: Chunks) -> tuple[tuple[bytes, bytes], ...]:
    """Name and data of the chunks of text, but for those that are EXIF or XMP."""
    others_are = (*RAW_EXIF, *RAW_XMP, XMP)
    return tuple((name, body) for name, key, body in texts(others) if key not in others_are)


def xmp_of(others: Chunks) -> bytes | None:
    """The XMP packet."""
    for name, key, body in texts(others):
        if name == b"iTXt" and key == XMP:
            packed, rest = body[len(XMP) + 1 : len(XMP) + 2], body[len(XMP) + 3 :]
            text = rest.split(b"\0", 2)[-1]
            return unpacked(text) if packed == b"\1" else text
    return raw_profile(others, RAW_XMP)


def exif_of(others: Chunks) -> bytes | None:
    """The EXIF block."""
    return others[b"eXIf"][0] if b"eXIf" in others else raw_profile(others, RAW_EXIF)


def raw_profile(others: Chunks, names: tuple[bytes, ...]) -> bytes | None:
    """What is written as text in hexadecimals, after its length."""
    for name, key, body in texts(others):
        if key in names and name != b"iTXt":
            text = body[len(key) + 1 :]
            text = unpacked(text[1:]) or b"" if name == b"zTXt" else text
            try:
                return bytes.fromhex(b"".join(text.split()[2:]).decode("latin-1"))
            except ValueError:
                continue
    return None


def profile_of(others: Chunks) -> bytes | None:
    """The ICC profile."""
    _, _, packed = others.get(b"iCCP", [b""])[0].partition(b"\0")
    return unpacked(packed[1:])


def resolution_of(others: Chunks) -> tuple[float, float] | None:
    """Dots per inch."""
    body = others.get(b"pHYs", [b""])[0]
    if len(body) != 9 or body[8] != 1:  # in metres
        return None
    across, down = struct.unpack(">II", body[:8])
    return dots(across * 0.0254, down * 0.0254)


def unpacked(packed: bytes) -> bytes | None:
    """What was packed in the zlib format; None where it is damaged or too large."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, LARGEST)
    except zlib.error:
        return None
    return data if unpacker.eof and data else None
