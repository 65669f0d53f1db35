"""Pages of text, diagrams and screens, drawn here: photographs hold too few letters and lines."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LETTERS = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def page(rng: np.random.Generator, side: int = 576) -> np.ndarray:
    """A drawing (side, side, 3) uint8 at the resolution that a network shall reach."""
    paper, ink = colours(rng)
    image = Image.new("RGB", (side, side), paper)
    draw = ImageDraw.Draw(image)
    top = int(rng.integers(0, side // 8))
    while top < side:
        kind = rng.random()
        below = top + int(rng.integers(side // 12, side // 4))
        if kind < 0.6:
            below = lines_of_text(draw, rng, top=top, side=side, ink=ink)
        elif kind < 0.8:
            diagram(draw, rng, box=(8, top, side - 8, below), ink=ink)
        else:
            panels(draw, rng, box=(0, top, side, below))
        top = below + int(rng.integers(4, side // 10))
    return np.asarray(image)


Colour = tuple[int, int, int]


def colour(rng: np.random.Generator, least: int, end: int) -> Colour:
    """Red, green and blue, each from `least` to `end` - 1."""
    red, green, blue = (int(v) for v in rng.integers(least, end, 3))
    return red, green, blue


def colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Of paper and ink: mostly dark on white, sometimes the other way round, or coloured."""
    paper, ink = (255, 255, 255), (0, 0, 0)
    if rng.random() >= 0.5:
        paper, ink = colour(rng, 180, 256), colour(rng, 0, 90)
    return (ink, paper) if rng.random() < 0.25 else (paper, ink)


def lines_of_text(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    *,
    top: int,
    side: int,
    ink: Colour,
) -> int:
    """A paragraph of made-up words; returns where it ends."""
    size = int(rng.choice((22, 28, 36, 44, 56, 80, 120), p=(0.1, 0.15, 0.2, 0.2, 0.15, 0.1, 0.1)))
    font = ImageFont.load_default(size)
    for _ in range(int(rng.integers(1, 6))):
        words = ("".join(rng.choice(list(LETTERS), rng.integers(1, 10))) for _ in range(14))
        draw.text((int(rng.integers(0, 30)), top), " ".join(words), fill=ink, font=font)
        top += round(1.3 * size)
    return min(top, side)


def diagram(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    *,
    box: tuple[int, int, int, int],
    ink: Colour,
) -> None:
    """Lines, circles and arcs, thin and thick."""
    left, top, right, bottom = box
    for _ in range(int(rng.integers(3, 12))):
        ends = [(int(rng.integers(left, right)), int(rng.integers(top, bottom))) for _ in range(2)]
        width = int(rng.choice((2, 3, 4, 8)))
        (x0, y0), (x1, y1) = ends
        corners = min(x0, x1), min(y0, y1), max(x0, x1) + 1, max(y0, y1) + 1
        if rng.random() < 0.6:
            draw.line(ends, fill=ink, width=width)
        else:
            draw.ellipse(corners, outline=ink, width=width)


def panels(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, *, box: tuple[int, int, int, int]
) -> None:
    """Plain areas side by side, as of a window's parts."""
    left, top, right, bottom = box
    edges = np.sort(rng.integers(left, right, int(rng.integers(1, 6))))
    for x0, x1 in zip([left, *edges], [*edges, right], strict=True):
        fill = colour(rng, 0, 256)
        draw.rectangle((int(x0), top, int(x1), bottom), fill=fill)
