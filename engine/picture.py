"""Pictures as files: pixels, and all that must survive from reading to writing.

Pillow reads and writes what it can hold; OpenCV decodes 16-bit colour, which Pillow cannot hold.
"""

import io
import os
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from engine import pngtiff
from engine.errors import PictureError

Image.MAX_IMAGE_PIXELS = None  # our own limit, with a sentence of its own, stands in `_opened`
MAX_PIXELS = 500_000_000
READABLE = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "BMP", "DIB", "AVIF", "HEIF")
FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".avif": "AVIF",
}
WEBP_SIDE = 16_383
ORIENTATION, EXIF_IFD, EXIF_WIDTH, EXIF_HEIGHT = 0x0112, 0x8769, 0xA002, 0xA003
TURNS = {  # EXIF orientation -> how to turn the stored pixels upright
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, KeyError, struct.error, zlib.error, cv2.error)


@dataclass(frozen=True)
class Picture:
    """Pixels (H, W, 3) RGB or (H, W, 1) grey, uint8 or uint16, upright, and what came with them.

    `alpha` (H, W) has the type of the pixels; `icc` and `exif` are the bytes of the file.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None

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


def read(path: Path | str) -> Picture:
    """Read a picture. Raises PictureError, whose message names the file and what to do."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise PictureError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise PictureError(f"{path} is a folder, not a picture.") from None
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of oddities that do no harm
            with _opened(path, data) as image:
                return _picture(image, data, path)
    except UnidentifiedImageError:
        raise PictureError(
            f"{path} is not a picture that Fovea can read; it reads PNG, JPEG, TIFF, WebP and BMP."
        ) from None
    except MemoryError:
        raise PictureError(f"{path} is too large for this machine's memory.") from None
    except DAMAGE as error:
        raise PictureError(f"{path} is damaged ({error}); get a whole copy of it.") from error


def _opened(path: Path, data: bytes) -> Image.Image:
    """The file behind Pillow, refused where it is not one picture of a sensible size."""
    if not data:
        raise PictureError(f"{path} is empty; get a whole copy of it.")
    image = Image.open(io.BytesIO(data))
    if image.format not in READABLE:
        raise PictureError(f"{path} is a {image.format} file; save it as PNG or JPEG first.")
    if image.width * image.height > MAX_PIXELS:
        raise PictureError(
            f"{path} has more than {MAX_PIXELS // 10**6} megapixels; reduce it first."
        )
    if (
        getattr(image, "n_frames", 1) > 1 and image.format != "MPO"
    ):  # a camera's JPEG and its preview
        raise PictureError(f"{path} holds several pictures; save the one you want as a PNG file.")
    return image


def _picture(image: Image.Image, data: bytes, path: Path) -> Picture:
    exif = image.getexif()
    turn = TURNS.get(exif.get(ORIENTATION), lambda a: a)
    if ORIENTATION in exif:
        exif[ORIENTATION] = 1
    icc, dpi = image.info.get("icc_profile"), image.info.get("dpi")
    if _deep(image, data):
        pixels, alpha = _decode_deep(data, path)
    else:
        image, icc = _plain(image, icc, path)
        array = np.asarray(image)
        array = array[:, :, None] if array.ndim == 2 else array
        colours = 1 if image.mode in ("L", "LA") else 3
        pixels = array[:, :, :colours]
        alpha = array[:, :, -1] if array.shape[2] > colours else None
    return Picture(
        pixels=np.ascontiguousarray(turn(pixels)),
        alpha=None if alpha is None else np.ascontiguousarray(turn(alpha)),
        icc=icc or None,
        exif=exif.tobytes() if len(exif) else None,
        dpi=(float(dpi[0]), float(dpi[1])) if dpi and min(dpi) > 0 else None,
    )


def _deep(image: Image.Image, data: bytes) -> bool:
    """Does the file hold 16 bits a channel?"""
    if image.format == "PNG":
        return data[24] == 16
    bits = image.tag_v2.get(258, (8,)) if image.format == "TIFF" else (8,)
    return max(bits if isinstance(bits, tuple) else (bits,)) == 16


def _decode_deep(data: bytes, path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16:
        raise PictureError(f"{path} stores its 16 bits in a way Fovea cannot read; save it as PNG.")
    if array.ndim == 2:
        return array[:, :, None], None
    alpha = array[:, :, 3] if array.shape[2] == 4 else None
    return array[:, :, 2::-1], alpha


def _plain(image: Image.Image, icc: bytes | None, path: Path) -> tuple[Image.Image, bytes | None]:
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


def check_target(path: Path | str, *, overwrite: bool = False) -> str:
    """The format that a target's name stands for. Raises PictureError where writing cannot work."""
    path = Path(path)
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(sorted(FORMATS))
        raise PictureError(f"{path} has no ending that Fovea can write; choose one of {known}.")
    if path.exists() and not overwrite:
        raise PictureError(f"{path} exists already; choose another name or allow overwriting.")
    if not path.parent.is_dir():
        raise PictureError(f"{path.parent} does not exist; make the folder first.")
    return form


def write(
    picture: Picture, path: Path | str, *, overwrite: bool = False, quality: int = 95
) -> None:
    """Write a picture in the format of the path's ending, whole or not at all.

    A temporary file beside the target takes its place when it is complete and on the disk. JPEG is
    4:4:4; what a format cannot hold is reduced: alpha lies on white, 16 bits become 8.
    """
    path = Path(path)
    form = check_target(path, overwrite=overwrite)
    if form == "WEBP" and max(picture.size) > WEBP_SIDE:
        raise PictureError(
            f"{path}: WebP holds no side above {WEBP_SIDE} pixels; choose PNG or TIFF."
        )
    temporary = path.with_name(f".fovea-{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        with open(temporary, "xb") as file:
            _encode(picture, form, file, quality)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, ValueError, cv2.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{path} could not be written: {reason}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _encode(picture: Picture, form: str, file: io.BufferedWriter, quality: int) -> None:
    exif = _refreshed(picture)
    if form == "PNG":
        pngtiff.write_png(file, joined(picture), icc=picture.icc, exif=exif, dpi=picture.dpi)
        return
    if form == "TIFF":
        pngtiff.write_tiff(file, joined(picture), icc=picture.icc, exif=exif, dpi=picture.dpi)
        return
    flat = form in ("JPEG", "BMP")
    pixels = shallow(flattened(picture) if flat else joined(picture))
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    options = {
        "JPEG": {"quality": quality, "subsampling": 0, "optimize": True},
        "WEBP": {"quality": quality},
        "AVIF": {"quality": quality, "subsampling": "4:4:4"},
        "BMP": {},
    }[form]
    if form != "BMP":
        options |= {"icc_profile": picture.icc} if picture.icc else {}
        options |= {"exif": exif} if exif else {}
    if picture.dpi and form in ("JPEG", "BMP"):
        options["dpi"] = picture.dpi
    image.save(file, form, **options)


def _refreshed(picture: Picture) -> bytes | None:
    """The EXIF block with the size tags of the picture as it is now."""
    if picture.exif is None:
        return None
    exif = Image.Exif()
    exif.load(picture.exif)
    inner = exif.get_ifd(EXIF_IFD)
    for tag, value in ((EXIF_WIDTH, picture.width), (EXIF_HEIGHT, picture.height)):
        if tag in inner:
            inner[tag] = value
    for tag, value in ((256, picture.width), (257, picture.height)):
        if tag in exif:
            exif[tag] = value
    return exif.tobytes()


def joined(picture: Picture) -> np.ndarray:
    """Pixels with alpha as the last channel: (H, W, 1..4)."""
    if picture.alpha is None:
        return picture.pixels
    return np.concatenate([picture.pixels, picture.alpha[:, :, None]], axis=2)


def flattened(picture: Picture) -> np.ndarray:
    """Pixels on white, for formats without alpha."""
    if picture.alpha is None:
        return picture.pixels
    limit = np.iinfo(picture.pixels.dtype).max
    share = picture.alpha[:, :, None].astype(np.float32) / limit
    return np.rint(picture.pixels * share + limit * (1 - share)).astype(picture.pixels.dtype)


def shallow(pixels: np.ndarray) -> np.ndarray:
    """At most 8 bits a channel, rounded."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8)


def bleed(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Pixels whose fully transparent ones take the colour of the nearest visible one.

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
