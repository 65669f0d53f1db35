"""Files to pictures: upright pixels, and all that must survive until they are written.

Pillow reads what it can hold; OpenCV decodes 16-bit colour, which Pillow cannot hold.
"""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from pillow_heif import register_heif_opener

from engine.errors import PictureError
from engine.pictures.formats import FORMATS, codecs, spoken
from engine.pictures.metadata import DAMAGE, SIDEWAYS, resolution, upright_exif
from engine.pictures.picture import Picture

register_heif_opener()
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # our sentence says it all
Image.MAX_IMAGE_PIXELS = None  # our own limit, with a sentence of its own, stands in `_opened`
MAX_PIXELS = 500_000_000
PHOTOMETRIC, PLANAR, EXTRA, SAMPLE_FORMAT = 262, 284, 338, 339
TURNS = {  # EXIF orientation -> how to turn the stored pixels upright
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}


def read(path: Path | str) -> Picture:
    """Read a picture upright, its EXIF orientation reset to 1; nothing is ever written.

    16 bits, grey and alpha stay. CMYK becomes sRGB through its profile, which has then served.
    Raises PictureError, whose one sentence names the file and what to do: a file that is no
    picture, damaged, animated, of several pages, or above 500 megapixels.
    """
    return decode(contents(path), path)


def contents(path: Path | str) -> bytes:
    """The bytes of a file. Raises PictureError where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise PictureError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise PictureError(f"{path} is a folder, not a picture.") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{path} cannot be read: {reason}.") from None
    except MemoryError:
        raise PictureError(f"{path} is too large for this machine's memory.") from None


def decode(data: bytes, path: Path | str) -> Picture:
    """The picture that the bytes of a file hold; see `read`. `path` is only for the errors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of oddities that do no harm
            with _opened(path, data) as image:
                return _picture(image, data, path)
    except UnidentifiedImageError:
        raise PictureError(f"{path} {_unidentified(data)}.") from None
    except MemoryError:
        raise PictureError(f"{path} is too large for this machine's memory.") from None
    except DAMAGE as error:
        raise PictureError(f"{path} is damaged ({error}); get a whole copy of it.") from error


def peek(path: Path | str) -> tuple[int, int] | None:
    """Upright (height, width) by the file's header alone; None where that tells nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                turned = upright_exif(image)[0] in SIDEWAYS
                return image.size if turned else (image.height, image.width)
    except (*DAMAGE, MemoryError):
        return None


def _unidentified(data: bytes) -> str:
    """What to say of a file that Pillow does not know."""
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "is a TIFF file of an unusual kind; save it as 8 or 16 bit RGB"
    names = spoken([form.name for form in FORMATS])
    return f"is not a picture that Fovea can read; it reads {names}"


def _opened(path: Path | str, data: bytes) -> Image.Image:
    """The file behind Pillow, refused where it is not one picture of a sensible size."""
    if not data:
        raise PictureError(f"{path} is empty; get a whole copy of it.")
    image = Image.open(io.BytesIO(data))
    if image.format not in codecs():
        raise PictureError(f"{path} is a {image.format} file; save it as PNG or JPEG first.")
    if image.width * image.height > MAX_PIXELS:
        raise PictureError(
            f"{path} has more than {MAX_PIXELS // 10**6} megapixels; reduce it first."
        )
    several = getattr(image, "n_frames", 1) > 1
    if several and image.format != "MPO":  # MPO: a camera's JPEG and its preview
        kind = "holds several pages" if image.format == "TIFF" else "is animated"
        raise PictureError(f"{path} {kind}; save the one picture you want as a PNG file.")
    return image


def _picture(image: Image.Image, data: bytes, path: Path | str) -> Picture:
    orientation, exif = upright_exif(image)
    icc, dpi = image.info.get("icc_profile"), resolution(image)
    if _deep(image, data):
        pixels, alpha = _decode_deep(image, data, path)
        if image.format == "TIFF":
            orientation = 1  # OpenCV turns TIFF files, and no others
    else:
        image, icc = _plain(image, icc, path)
        array = np.asarray(image)
        array = array[:, :, None] if array.ndim == 2 else array
        colours = 1 if image.mode in ("L", "LA") else 3
        pixels = array[:, :, :colours]
        alpha = array[:, :, -1] if array.shape[2] > colours else None
    turn = TURNS.get(orientation, lambda a: a)
    return Picture(
        pixels=np.ascontiguousarray(turn(pixels)),
        alpha=None if alpha is None else np.ascontiguousarray(turn(alpha)),
        icc=icc or None,
        exif=exif,
        dpi=dpi,
    )


def _deep(image: Image.Image, data: bytes) -> bool:
    """Does the file hold 16 bits a channel?"""
    if image.format == "PNG":
        return data[24] == 16
    bits = image.tag_v2.get(258, (8,)) if image.format == "TIFF" else (8,)
    return max(bits if isinstance(bits, tuple) else (bits,)) == 16


def _decode_deep(
    image: Image.Image, data: bytes, path: Path | str
) -> tuple[np.ndarray, np.ndarray | None]:
    """16-bit pixels and alpha by OpenCV; what it would misread is put right or refused."""
    tags = image.tag_v2 if image.format == "TIFF" else {}
    planar = tags.get(PLANAR, 1) == 2 and tags.get(277, 1) > 1
    if planar or tags.get(PHOTOMETRIC, 1) > 2 or set(tags.get(SAMPLE_FORMAT, (1,))) != {1}:
        raise PictureError(f"{path} stores its 16 bits in a way Fovea cannot read; save it as PNG.")
    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16:
        raise PictureError(f"{path} is damaged or stored in an unusual way; save it anew as PNG.")
    if array.ndim == 2:
        array = 65_535 - array if tags.get(PHOTOMETRIC) == 0 else array  # 0: white is zero
        clear = image.info.get("transparency")  # OpenCV heeds it in colour only
        alpha = None if clear is None else np.where(array == clear, 0, 65_535).astype(np.uint16)
        return array[:, :, None], alpha
    grey = image.format == "PNG" and data[25] == 4  # OpenCV repeats grey beside alpha
    alpha = array[:, :, 3] if array.shape[2] == 4 else None
    pixels = array[:, :, :1] if grey else array[:, :, 2::-1]
    if tags.get(EXTRA, (0,))[0] == 1:  # stored multiplied by alpha
        share = np.maximum(alpha, 1)[:, :, None] / np.float32(65_535)
        pixels = np.minimum(np.rint(pixels / share), 65_535).astype(np.uint16)
    return pixels, alpha


def _plain(
    image: Image.Image, icc: bytes | None, path: Path | str
) -> tuple[Image.Image, bytes | None]:
    """The picture as L, LA, RGB or RGBA, and the profile that still describes it."""
    if image.mode == "CMYK":
        return _from_cmyk(image, icc), None
    if image.mode in ("F", "I", "LAB", "HSV") or image.mode.startswith("I;"):
        raise PictureError(
            f"{path} has pixels of the kind {image.mode}; save it as 8 or 16 bit RGB."
        )
    transparent = image.has_transparency_data
    if image.mode in ("1", "L", "LA", "La"):
        return image.convert("LA" if transparent else "L"), icc
    return image.convert("RGBA" if transparent else "RGB"), icc


def _from_cmyk(image: Image.Image, icc: bytes | None) -> Image.Image:
    """CMYK to sRGB through the file's own profile, or plainly where it has none that works."""
    if icc:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            target = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass
    return image.convert("RGB")
