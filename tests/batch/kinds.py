"""Small pictures of every kind that a folder may hold."""

import struct

import numpy as np
from PIL import Image, ImageCms
from test_picture import exif_of, scene

from engine.pictures import Picture, write

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def display_p3() -> bytes:
    """The sRGB profile with the primaries of Display P3."""
    data, primaries = (
        bytearray(SRGB),
        {
            b"rXYZ": (0.5151, 0.2412, -0.0011),
            b"gXYZ": (0.2919, 0.6922, 0.0419),
            b"bXYZ": (0.1572, 0.0666, 0.7841),
        },
    )
    for index in range(struct.unpack_from(">I", data, 128)[0]):
        name, offset, _ = struct.unpack_from(">4sII", data, 132 + 12 * index)
        if name in primaries:
            struct.pack_into(">3i", data, offset + 8, *(round(v * 65536) for v in primaries[name]))
    return bytes(data)


def with_alpha(height, width, dtype=np.uint8):
    return Picture(scene(height, width, 3, dtype), alpha=scene(height, width, 1, dtype)[:, :, 0])


def save_palette(path, size):
    Image.fromarray(scene(*size)).quantize(16).save(path, transparency=0)


def save_cmyk(path, size):
    Image.fromarray(scene(*size)).convert("CMYK").save(path)


P3 = display_p3()
KINDS = {  # ending -> how to save a small picture of that kind
    ".png": lambda path, size: write(Picture(scene(*size), icc=P3), path),
    ".alpha.png": lambda path, size: write(with_alpha(*size), path),
    ".deep.png": lambda path, size: write(Picture(scene(*size, 3, np.uint16)), path),
    ".grey.png": lambda path, size: write(Picture(scene(*size, 1)), path),
    ".palette.png": save_palette,
    ".jpg": lambda path, size: write(Picture(scene(*size), icc=P3, exif=exif_of()), path),
    ".turned.jpg": lambda path, size: write(Picture(scene(*size), exif=exif_of()), path),
    ".cmyk.jpg": save_cmyk,
    ".deep.tif": lambda path, size: write(with_alpha(*size, np.uint16), path),
    ".webp": lambda path, size: write(with_alpha(*size), path),
    ".bmp": lambda path, size: write(Picture(scene(*size)), path),
    ".avif": lambda path, size: write(Picture(scene(*size)), path),
}
FOLDERS = ("", "a", "a/b ü", "пляж 100%")
STEMS = ("IMG {}", "画像-é-{}", "100% {x}{}", "n" * 200 + "{}")
