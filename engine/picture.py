"""Pictures as files: pixels, and all that must survive from reading to writing.

Pillow reads and writes what it can hold; OpenCV decodes 16-bit colour, which Pillow cannot hold.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from engine import pngtiff
from engine.draft import check_place, draft
from engine.errors import PictureError
from engine.pngtiff import DESCRIPTIVE, EXIF_IFD, ORIENTATION

try:
    from pillow_heif import register_heif_opener
except ImportError:  # optional: without it HEIC is refused with a sentence that says so
    pass
else:
    register_heif_opener()

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # our sentence says it all
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
SIDES = {"WEBP": 16_383, "JPEG": 65_500, "AVIF": 65_535}  # the longest a format or its writer has
JPEG_EXIF = 65_533  # bytes that fit into one JPEG segment
BAND = 256  # rows converted at once: large pictures pass without large temporaries
EXIF_WIDTH, EXIF_HEIGHT = 0xA002, 0xA003
PHOTOMETRIC, XRESOLUTION, PLANAR, EXTRA, SAMPLE_FORMAT = 262, 282, 284, 338, 339
TURNS = {  # EXIF orientation -> how to turn the stored pixels upright
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a[:, ::-1].swapaxes(0, 1),
}
SIDEWAYS = (5, 6, 7, 8)  # the orientations that swap height and width
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

    @property
    def bits(self) -> int:
        """Bits a channel: 8 or 16."""
        return 8 * self.pixels.itemsize


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
                turned = _exif(image)[0] in SIDEWAYS
                return image.size if turned else (image.height, image.width)
    except (*DAMAGE, MemoryError):
        return None


def _unidentified(data: bytes) -> str:
    """What to say of a file that Pillow does not know."""
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "is a TIFF file of an unusual kind; save it as 8 or 16 bit RGB"
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1"):
        return "is a HEIC picture; save it as JPEG, or install pillow-heif"
    return "is not a picture that Fovea can read; it reads PNG, JPEG, TIFF, WebP, AVIF and BMP"


def _opened(path: Path | str, data: bytes) -> Image.Image:
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
    several = getattr(image, "n_frames", 1) > 1
    if several and image.format != "MPO":  # MPO: a camera's JPEG and its preview
        kind = "holds several pages" if image.format == "TIFF" else "is animated"
        raise PictureError(f"{path} {kind}; save the one picture you want as a PNG file.")
    return image


def _picture(image: Image.Image, data: bytes, path: Path | str) -> Picture:
    orientation, exif = _exif(image)
    icc, dpi = image.info.get("icc_profile"), _dpi(image)
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


def _exif(image: Image.Image) -> tuple[int, bytes | None]:
    """Orientation and EXIF block, itself upright; a broken block must not cost the picture."""
    try:
        exif = image.getexif()
        orientation = exif.get(ORIENTATION, 1)
        if ORIENTATION in exif:
            exif[ORIENTATION] = 1  # also keeps Pillow from turning a TIFF file while loading it
        kept = Image.Exif()
        kept.load(exif.tobytes())
        for tag in set(kept) - DESCRIPTIVE if image.format == "TIFF" else ():
            del kept[tag]
        return orientation, kept.tobytes() if len(kept) else None
    except (*DAMAGE, TypeError):
        return 1, None


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch, where the file states any that the other formats can hold."""
    if hasattr(image, "tag_v2") and XRESOLUTION not in image.tag_v2:
        return None  # Pillow reports 1 dpi for these
    dpi = image.info.get("dpi")
    if dpi is None or not all(1 <= value <= 65_535 for value in dpi):
        return None
    return float(dpi[0]), float(dpi[1])


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


def check_target(path: Path | str, *, overwrite: bool = False) -> str:
    """The format that a target's name stands for. Raises PictureError where writing cannot work."""
    path = Path(path)
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(sorted(FORMATS))
        raise PictureError(f"{path} has no ending that Fovea can write; choose one of {known}.")
    if form not in Image.SAVE and form not in _installed():
        raise PictureError(f"{path}: this Pillow cannot write {form}; choose another ending.")
    check_place(path, overwrite=overwrite)
    return form


def _installed() -> set[str]:
    """All formats of this Pillow, which loads most of them when it is first asked to."""
    Image.init()
    return set(Image.SAVE)


def write(
    picture: Picture, path: Path | str, *, overwrite: bool = False, quality: int = 95
) -> None:
    """Write a picture in the format of the path's ending, whole or not at all.

    A temporary file beside the target takes its place when it is complete and on the disk; an
    existing file goes only with `overwrite`. `quality` (1..100) is for JPEG (4:4:4), WebP and AVIF.
    What a format cannot hold is reduced: alpha lies on white, 16 bits become 8, metadata stays out.
    Raises PictureError, whose one sentence names the file; nothing has then changed on the disk.
    """
    check_target(path, overwrite=overwrite)
    with draft(path, overwrite=overwrite) as file:
        encode(picture, path, file, quality=quality)


def encode(picture: Picture, path: Path | str, file: BinaryIO, *, quality: int = 95) -> None:
    """Write a picture to an open file in the format of the path's ending; see `write`.

    Raises PictureError where the format cannot hold the picture or the file refuses it.
    """
    form = FORMATS[Path(path).suffix.lower()]
    if max(picture.size) > SIDES.get(form, max(picture.size)):
        raise PictureError(
            f"{path}: {form} holds no side above {SIDES[form]} pixels; choose PNG or TIFF."
        )
    try:
        _encode(picture, form, file, quality)
    except (*DAMAGE, RuntimeError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "out of memory"
        raise PictureError(f"{path} could not be written: {reason}.") from error


def _encode(picture: Picture, form: str, file: BinaryIO, quality: int) -> None:
    exif = _refreshed(picture)
    if form == "PNG":
        pngtiff.write_png(file, joined(picture), icc=picture.icc, exif=exif, dpi=picture.dpi)
        return
    if form == "TIFF":
        pngtiff.write_tiff(file, joined(picture), icc=picture.icc, exif=exif, dpi=picture.dpi)
        return
    pixels = shallow(flattened(picture) if form in ("JPEG", "BMP") else joined(picture))
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    del pixels  # Pillow has its own copy
    options = {  # not "optimize": a few per cent smaller, but it holds all coefficients in memory
        "JPEG": {"quality": quality, "subsampling": 0},
        "WEBP": {"quality": quality},
        "AVIF": {"quality": quality, "subsampling": "4:4:4"},
        "BMP": {},
    }[form]
    coloured = form in (
        "WEBP",
        "AVIF",
    )  # they store grey as colour, which no grey profile describes
    if form != "BMP" and picture.icc and not (coloured and picture.icc[16:20] == b"GRAY"):
        options["icc_profile"] = picture.icc
    if form != "BMP" and exif and not (form == "JPEG" and len(exif) > JPEG_EXIF):
        options["exif"] = exif
    if picture.dpi and form in ("JPEG", "BMP"):
        options["dpi"] = picture.dpi
    image.save(file, form, **options)


def _refreshed(picture: Picture) -> bytes | None:
    """The EXIF block, upright and with the size tags of the picture as it is now."""
    if picture.exif is None:
        return None
    exif = Image.Exif()
    exif.load(picture.exif)
    inner = exif.get_ifd(EXIF_IFD) if EXIF_IFD in exif else {}
    for tag, value in ((EXIF_WIDTH, picture.width), (EXIF_HEIGHT, picture.height)):
        if tag in inner:
            inner[tag] = value
    for tag, value in ((256, picture.width), (257, picture.height), (ORIENTATION, 1)):
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
    flat = np.empty(picture.pixels.shape, picture.pixels.dtype)
    for top in range(0, picture.height, BAND):
        rows = slice(top, top + BAND)
        share = picture.alpha[rows, :, None].astype(np.float32) / limit
        flat[rows] = np.rint(picture.pixels[rows] * share + limit * (1 - share))
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
