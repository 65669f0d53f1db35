"""Pixels into sRGB, from whatever their numbers mean."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image, ImageCms

from engine.pictures.picture import BAND, Gamma, Picture, shallow

SRGB = (1, 13)  # its primaries and its transfer, as ITU-T H.273 counts them
D65 = (0.3127, 0.3290)
SRGB_PRIMARIES = (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
PRIMARIES = {  # code -> x and y of white, red, green and blue
    1: SRGB_PRIMARIES,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (0.310, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    10: (1 / 3, 1 / 3, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
WHITE = 203  # candelas a square metre of paper in a picture of high dynamic range
HLG_PEAK, HLG_GAMMA = 1000, 1.2
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
Curve = Callable[[np.ndarray], np.ndarray]


def light_of_srgb(v: np.ndarray) -> np.ndarray:
    """The light 0..1 that sRGB's numbers 0..1 stand for."""
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def srgb_of_light(light: np.ndarray) -> np.ndarray:
    """sRGB's numbers 0..1 for light, which is clipped to 0..1."""
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def light_of_pq(v: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084, paper at 1."""
    root = v ** (1 / 78.84375)
    part = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
    return 10_000 / WHITE * part ** (1 / 0.1593017578125)


def light_of_hlg(v: np.ndarray) -> np.ndarray:
    """ARIB STD-B67 on a display of 1000 candelas a square metre, each channel by itself."""
    scene = np.where(v <= 0.5, v**2 / 3, (np.exp((v - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return HLG_PEAK / WHITE * scene**HLG_GAMMA


def power(exponent: float) -> Curve:
    return lambda v: v**exponent


CURVES: dict[int, Curve] = {  # code -> light; those not named are shown as sRGB, as cameras' are
    4: power(2.2),
    5: power(2.8),
    8: power(1.0),
    16: light_of_pq,
    17: lambda v: 52.37 / 48 * v**2.6,
    18: light_of_hlg,
}


def in_srgb(picture: Picture) -> Picture:
    """The picture with the numbers of sRGB, which need no description, and without one.

    Light beyond what sRGB can show is clipped. A profile that is broken tells nothing, and the
    pixels stay.
    """
    pixels = picture.pixels
    if picture.cicp:
        primaries, transfer = picture.cicp
        curve = CURVES.get(transfer, light_of_srgb)
        pixels = _converted(pixels, curve, PRIMARIES.get(primaries))
    elif picture.icc:
        pixels = _by_profile(picture)
    elif picture.gamma:
        pixels = _converted(pixels, _curve(picture.gamma), picture.gamma.chromaticities)
    return replace(picture, pixels=pixels, cicp=None, icc=None, gamma=None)


def _curve(gamma: Gamma) -> Curve:
    """PNG says 1 / 2.2 where sRGB's curve is meant."""
    if gamma.exponent is None or abs(gamma.exponent * 2.2 - 1) < 0.01:
        return light_of_srgb
    return power(1 / gamma.exponent)


def _converted(
    pixels: np.ndarray, curve: Curve, chromaticities: tuple[float, ...] | None
) -> np.ndarray:
    """Pixels (H, W, 1 or 3) through light; white, and with it grey, stays what it is."""
    most = np.iinfo(pixels.dtype).max
    matrix = _matrix(chromaticities or SRGB_PRIMARIES)
    alone = pixels.shape[2] == 1 or np.allclose(matrix, np.eye(3), atol=0.005)
    if alone and curve is light_of_srgb:
        return pixels
    light = curve(np.arange(most + 1) / most).astype(np.float32)
    if alone:
        return np.rint(srgb_of_light(light) * most).astype(pixels.dtype)[pixels]
    made = np.empty_like(pixels)
    for top in range(0, len(pixels), BAND):
        rows = slice(top, top + BAND)
        made[rows] = np.rint(srgb_of_light(light[pixels[rows]] @ matrix.T) * most)
    return made


def _matrix(chromaticities: tuple[float, ...]) -> np.ndarray:
    """From linear RGB to sRGB's; the identity where the chromaticities make no sense."""
    try:
        return (np.linalg.inv(_to_xyz(SRGB_PRIMARIES)) @ _to_xyz(chromaticities)).astype("f4")
    except np.linalg.LinAlgError:
        return np.eye(3, dtype="f4")


def _to_xyz(chromaticities: tuple[float, ...]) -> np.ndarray:
    """From linear RGB to XYZ under D65, by x and y of white, red, green and blue."""
    x, y = np.array(chromaticities, float).reshape(4, 2).T
    white, *corners = np.stack([x, y, 1 - x - y], axis=1)
    matrix, (left, up) = np.stack(corners, axis=1), D65
    if min(white[1], abs(np.linalg.det(matrix))) < 1e-4:
        raise np.linalg.LinAlgError
    cones, wanted = BRADFORD @ white / white[1], BRADFORD @ [left / up, 1, (1 - left - up) / up]
    adapted = np.linalg.inv(BRADFORD) @ np.diag(wanted / cones) @ BRADFORD
    return adapted @ matrix @ np.diag(np.linalg.solve(matrix, white / white[1]))


def _by_profile(picture: Picture) -> np.ndarray:
    """Pixels through their ICC profile; its arithmetic has 8 bits a channel."""
    pixels, icc = picture.pixels, picture.icc or b""
    try:
        if icc[16:20] == b"GRAY":
            steps = np.arange(256, dtype=np.uint8)
            table = _through(steps[None, :, None], icc)[0, :, 1]
            if picture.bits == 8:
                return table[pixels]
            return np.rint(np.interp(pixels, 257.0 * steps, 257.0 * table)).astype(pixels.dtype)
        colours = np.repeat(pixels, 3, axis=2) if picture.grey else pixels
        made = _through(shallow(colours), icc)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return pixels
    made = made[:, :, 1:2] if picture.grey else made
    return made if picture.bits == 8 else made.astype(pixels.dtype) * 257


def _through(pixels: np.ndarray, icc: bytes) -> np.ndarray:
    """Pixels (H, W, 1 or 3) uint8 through a profile of their kind -> (H, W, 3)."""
    profiles = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return np.asarray(ImageCms.profileToProfile(image, *profiles, outputMode="RGB"))
