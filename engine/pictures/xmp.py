"""XMP packets: what programs have written about a picture, as XML."""

import hashlib
import re
import struct
from collections.abc import Iterable

NAME, MORE = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
SEGMENT = 65_533  # bytes of one JPEG segment
PIECE = 65_400  # bytes of a long packet in one JPEG segment
SIZES = (
    *((b"tiff:ImageLength", 0), (b"tiff:ImageWidth", 1)),
    *((b"exif:PixelYDimension", 0), (b"exif:PixelXDimension", 1)),
)
POINTER = rb"""xmpNote:HasExtendedXMP\s*=\s*(["'])[0-9A-Fa-f]*\1"""
END = b"</rdf:RDF>"
SHORT = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
    b'xmpNote:HasExtendedXMP="%s"/></rdf:RDF></x:xmpmeta>'
)


def upright(packet: bytes | None) -> bytes | None:
    """A packet whose picture has been turned upright; None where there is none."""
    return _put(packet, b"tiff:Orientation", 1) if packet else None


def sized(packet: bytes | None, size: tuple[int, int]) -> bytes | None:
    """A packet that tells the size (height, width) of its picture wherever it told one."""
    if packet is None:
        return None
    for name, side in SIZES:
        packet = _put(packet, name, size[side])
    return packet


def of_jpeg(segments: Iterable[bytes]) -> bytes | None:
    """The packet in the APP1 segments of a JPEG file, with what did not fit into its segment."""
    packet, pieces = None, {}
    for body in segments:
        if body.startswith(NAME):
            packet = packet or body.removeprefix(NAME)
        elif body.startswith(MORE) and len(body) > len(MORE) + 40:
            place = struct.unpack_from(">I", body, len(MORE) + 36)[0]
            pieces[place] = body[len(MORE) + 40 :]
    further = b"".join(pieces[place] for place in sorted(pieces))
    told = further.partition(b"<rdf:RDF")[2].partition(b">")[2].rpartition(END)[0]
    if packet and told and END in packet:
        head, end, tail = re.sub(POINTER, b"", packet).rpartition(END)
        packet = head + told + end + tail
    return packet


def jpeg_segments(packet: bytes | None) -> bytes:
    """The APP1 segments, markers included, that hold a packet in a JPEG file."""
    if not packet:
        return b""
    if len(NAME + packet) <= SEGMENT:
        return _segment(NAME + packet)
    packet = re.sub(rb"<\?xpacket[^<>]*>", b"", packet).strip()
    digest = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()
    made = [_segment(NAME + SHORT % digest)]
    for place in range(0, len(packet), PIECE):
        where = struct.pack(">II", len(packet), place)
        made.append(_segment(MORE + digest + where + packet[place : place + PIECE]))
    return b"".join(made)


def _segment(body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, 0xE1, len(body) + 2) + body


def _put(packet: bytes, name: bytes, value: int) -> bytes:
    """Every whole number of that name, as an attribute or an element, replaced."""
    pattern = rb"(\b%s\s*=\s*[\"']|<%s>)\s*\d+" % (name, name)
    return re.sub(pattern, rb"\g<1>%d" % value, packet)
