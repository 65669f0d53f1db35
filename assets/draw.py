"""Draw sample.png, the picture of the first start: `python assets/draw.py`.

A flat sky, slanted edges, bricks, roof tiles, leaves, grass and a little writing. Everything is
drawn four times too large and then reduced, so that edges are as soft as in a photograph.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FACTOR = 4
WIDTH, HEIGHT = 480 * FACTOR, 320 * FACTOR
HORIZON = 690
SUN = (150, 600)
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)

rng = np.random.default_rng(1879)


# --- tools -----------------------------------------------------------------------------------


def colour(code):
    """'#rrggbb' as an array of three values 0..255."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32)


def ramp(position, *stops):
    """Colours (..., 3) for positions (...) along stops (position, '#rrggbb')."""
    at = [p for p, _ in stops]
    colours = np.stack([colour(c) for _, c in stops])
    return np.stack([np.interp(position, at, colours[:, i]) for i in range(3)], axis=-1)


def noise(cell, octaves=5, stretch=1.0):
    """Smooth noise of mean 0 whose largest features measure `cell` (times `stretch` across)."""
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for octave in range(octaves):
        size = cell / 2**octave
        grid = rng.standard_normal((int(HEIGHT / size) + 3, int(WIDTH / size / stretch) + 3))
        layer = Image.fromarray(grid.astype(np.float32))
        total += np.asarray(layer.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) / 2**octave
    return total


def outline(*points):
    """The mask (H, W), 0..1, of a polygon."""
    mask = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(mask).polygon(points, fill=255)
    return np.asarray(mask, np.float32) / 255


def soften(mask, radius):
    image = Image.fromarray((mask * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255


def lay(canvas, colours, mask):
    """Lay colours over the canvas, in place, where the mask is."""
    canvas += (colours - canvas) * np.clip(mask, 0, 1)[..., None]


def shade(canvas, mask, amount, tint="#1d2340"):
    lay(canvas, colour(tint), np.clip(mask, 0, 1) * amount)


def unfold(corners):
    """Where each pixel lies (u, v in 0..1) on a flat face seen in perspective.

    The corners are its top left, top right, bottom right and bottom left.
    """
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, [(0, 0), (1, 0), (1, 1), (0, 1)], strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    a, b, c, d, e, f, g, h = np.linalg.solve(np.array(rows, float), values)
    w = g * X + h * Y + 1
    return (a * X + b * Y + c) / w, (d * X + e * Y + f) / w


def courses(u, v, across, down):
    """Staggered bricks or tiles: each pixel's place (0..1) within its brick, and which it is."""
    row = np.floor(v * down)
    along = u * across + 0.5 * (row % 2)
    column = np.floor(along)
    number = (row * 7919 + column * 104729).astype(np.int64) % 4093
    return along - column, v * down - row, number


def bricks(u, v, across, down):
    x, y, number = courses(u, v, across, down)
    tone = rng.normal(0, 1, 4093)[number]
    body = ramp(tone, (-2, "#7d3a2b"), (-0.5, "#a04f36"), (0.7, "#b8623f"), (2, "#d08a5c"))
    joint = (x < 0.07) | (x > 0.93) | (y < 0.13) | (y > 0.87)
    return np.where(joint[..., None], colour("#cdb497"), body)


def tiles(u, v, across, down):
    x, y, number = courses(u, v, across, down)
    tone = rng.normal(0, 1, 4093)[number]
    body = ramp(tone, (-2, "#5f3034"), (0, "#86413c"), (2, "#a85f4a"))
    round_end = y - (0.62 + 0.36 * np.sqrt(np.clip(1 - (2 * x - 1) ** 2, 0, 1)))
    body *= (0.8 + 0.34 * np.clip(y, 0, 1) - 0.16 * np.abs(2 * x - 1))[..., None]
    return np.where((round_end > 0)[..., None], body * 0.42, body)


# --- the scene, from far to near ---------------------------------------------------------------


def sky(canvas):
    canvas[:] = ramp(
        Y / HORIZON,
        (0.0, "#3b79b4"),
        (0.35, "#78aed3"),
        (0.7, "#c9dcdd"),
        (0.9, "#f6e2bf"),
        (1.0, "#fbd7a6"),
    )
    distance = np.hypot(X - SUN[0], (Y - SUN[1]) * 1.25)
    lay(canvas, colour("#ffe3a8"), 0.95 * np.exp(-distance / 330))
    lay(canvas, colour("#fff8e2"), np.clip((74 - distance) / 6, 0, 1))
    wisps = noise(230, 6, stretch=3.2)
    band = np.exp(-(((Y - 250) / 170) ** 2)) + 0.7 * np.exp(-(((Y - 560) / 60) ** 2))
    cloud = np.clip((wisps + 0.1) * 0.6, 0, 0.9) * band
    lay(canvas, ramp(Y / HORIZON, (0, "#f3f5f6"), (0.8, "#fff0d8"), (1, "#ffe6c0")), cloud)


def hills(canvas):
    for base, height, cell, near in ((690, 90, 420, "#a9b9c6"), (694, 48, 260, "#8299a6")):
        ridge = base - height * np.clip(0.55 + 0.45 * noise(cell, 6)[5], 0.02, 2)
        ridge += np.clip(700 - X[0], 0, None) * 0.12
        mask = np.clip(Y - ridge + 0.5, 0, 1)
        lay(canvas, ramp((Y - ridge) / height, (0, near), (1, "#d9cfbd")), mask)


def sea(canvas):
    depth = (Y - HORIZON) / 240
    water = ramp(depth, (0, "#d8d2bd"), (0.12, "#8fb3bb"), (0.5, "#4d879b"), (1, "#2f6a80"))
    ripple = noise(13, 3, stretch=6)
    water += (ripple * 13 * np.clip(depth + 0.15, 0, 1))[..., None]
    glint = np.exp(-(((X - SUN[0]) / (150 + 420 * depth.clip(0))) ** 2)) * (ripple > 0.5)
    canvas[:] = np.where((Y >= HORIZON)[..., None], water, canvas)
    lay(canvas, colour("#fff0c4"), glint * (Y > HORIZON) * 0.8)


def sailing_boat(canvas):
    lay(canvas, colour("#fdf6e6"), outline((828, 588), (828, 700), (772, 700)))
    lay(canvas, colour("#e06a4a"), outline((835, 606), (835, 700), (876, 700)))
    lay(canvas, colour("#3a3a46"), outline((831, 578), (834, 578), (834, 712), (831, 712)))
    lay(canvas, colour("#34435c"), outline((764, 706), (890, 706), (868, 728), (784, 728)))
    lay(canvas, colour("#fdf6e6"), outline((764, 706), (890, 706), (888, 711), (767, 711)))
    streaks = outline((790, 732), (872, 732), (846, 790), (806, 790)) * (noise(16, 2, 6) > 0.1)
    lay(canvas, colour("#f3e8d2"), streaks * 0.4)


def headland(canvas):
    edge = 800 + 0.00022 * np.clip(X[0] - 380, 0, None) ** 2 + 9 * noise(90, 5)[9]
    mask = np.clip(Y - edge + 0.5, 0, 1) * (X < 1100)
    below = (Y - edge) / 26 + 0.5 * noise(40, 4)
    cliff = ramp(below, (0, "#b3b565"), (1, "#7f9048"), (1.5, "#a08263"), (4, "#5d4c48"))
    cracks = noise(24, 4, stretch=0.35) * np.clip(below - 1, 0, 1)
    lay(canvas, cliff + (cracks * 17 + noise(9, 2) * 6)[..., None], mask)


def lighthouse(canvas):
    top, bottom, middle = 300, 815, 430
    down = (Y - top) / (bottom - top)
    half = 42 + down * 26
    across = (X - middle) / half
    tower = np.clip((1 - np.abs(across)) * half, 0, 1) * (down >= 0) * (down <= 1)
    band = np.floor((Y - top + 10 * across**2) / 105.5) % 2
    paint = np.where(band[..., None] > 0, colour("#c8453a"), colour("#f4efe4"))
    light = np.interp(across, [-1, -0.55, 0.2, 1], [1.0, 1.05, 0.86, 0.58])
    lay(canvas, paint * light[..., None], tower)
    for y in (350, 470, 590, 710):
        lay(canvas, colour("#2c3848"), outline((420, y), (440, y), (440, y + 34), (420, y + 34)))
        lay(
            canvas,
            colour("#e9dcc0"),
            outline((416, y + 34), (444, y + 34), (444, y + 39), (416, y + 39)),
        )
    lay(canvas, colour("#343c4a"), outline((366, 286), (494, 286), (478, 304), (382, 304)))
    glass = outline((396, 216), (464, 216), (464, 286), (396, 286))
    lay(canvas, ramp((X - 396) / 68, (0, "#fff2c0"), (0.5, "#ffd978"), (1, "#b9a981")), glass)
    image, draw = pencil(canvas)
    for x in range(396, 470, 17):
        draw.line((x, 214, x, 288), fill="#39414e", width=4)
    draw.line((396, 250, 464, 250), fill="#39414e", width=4)
    for x in range(370, 495, 12):
        draw.line((x, 252, x, 288), fill="#3c4451", width=3)
    for y in (252, 268):
        draw.line((368, y, 492, y), fill="#3c4451", width=4)
    draw.polygon([(386, 218), (430, 158), (474, 218)], fill="#b03c34")
    draw.polygon([(430, 158), (474, 218), (446, 218)], fill="#7f2b2c")
    draw.line((430, 120, 430, 160), fill="#39414e", width=4)
    draw.ellipse((424, 148, 436, 160), fill="#39414e")
    canvas[:] = np.asarray(image, np.float32)


def pencil(canvas):
    """A copy of the canvas as a Pillow image, and something to draw on it with."""
    image = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    return image, ImageDraw.Draw(image)


def meadow(canvas):
    edge = 905 + 18 * noise(300, 4)[3] + np.clip(X[0] - 700, 0, 500) * 0.02
    ground = ramp((Y - edge) / 380, (0, "#a9b866"), (0.25, "#86a04c"), (1, "#476a33"))
    ground += (noise(150, 5, 2.5) * 9)[..., None]
    lay(canvas, ground, np.clip(Y - edge + 0.5, 0, 1))


def path(canvas):
    bend = outline(
        (1085, 1040),
        (1160, 1046),
        (1120, 1100),
        (1060, 1160),
        (1090, 1280),
        (690, 1280),
        (850, 1170),
        (1010, 1100),
    )
    mask = np.clip(soften(bend, 7) + 0.12 * noise(30, 4) * (soften(bend, 14) > 0.02), 0, 1)
    stones = ramp(noise(18, 4, 2), (-2, "#a98f6c"), (0, "#d2bb91"), (2, "#ecdcb8"))
    mask = np.clip(mask * 3 - 1, 0, 1)
    lay(canvas, stones, mask)
    return mask


GABLE = ((985, 704), (1300, 694), (1300, 1070), (985, 1036))
SIDE = ((1300, 694), (1815, 716), (1815, 1022), (1300, 1070))
ROOF = ((1128, 478), (1694, 532), (1850, 752), (1322, 728))
APEX = (1128, 490)


def cottage(canvas):
    front = outline(*GABLE[:2], *GABLE[2:]) + outline(GABLE[0], APEX, GABLE[1])
    side = outline(*SIDE)
    ground = soften(
        outline((1000, 1040), (1300, 1062), (1820, 1014), (1919, 1040), (1919, 1075), (1400, 1130)),
        10,
    )
    shade(canvas, ground, 0.55, "#1f3527")
    lay(canvas, bricks(*unfold(GABLE), 15, 33), front)
    lay(canvas, bricks(*unfold(SIDE), 25, 33), side)
    shade(canvas, side, 0.4, "#3a2c4a")
    shade(canvas, side * np.clip(1 - (unfold(SIDE)[1] - 0.05) * 6, 0, 1), 0.5)
    window(canvas, GABLE, (0.12, 0.10, 0.40, 0.42), lit=True)
    window(canvas, GABLE, (0.37, -0.37, 0.59, -0.12), lit=True)
    door(canvas)
    for left in (0.13, 0.42, 0.71):
        window(canvas, SIDE, (left, 0.22, left + 0.15, 0.62), lit=False)
    chimney(canvas)
    lay(canvas, tiles(*unfold(ROOF), 34, 15), outline(*ROOF))
    lay(canvas, colour("#ffd9a0"), outline(*ROOF) * 0.10)
    boards(canvas)


def place(corners, box):
    """The corners in the picture of a box (left, top, right, bottom) in 0..1 of a face."""
    (a, b, c, d), (left, top, right, bottom) = np.array(corners, float), box

    def at(u, v):
        return tuple((a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + c * u) * v)

    return at(left, top), at(right, top), at(right, bottom), at(left, bottom)


def window(canvas, face, box, *, lit):
    frame = place(face, box)
    u, v = unfold(frame)
    inside = outline(*frame)
    glass = ramp(v + 0.4 * u, (0, "#f7d796"), (0.6, "#b98a5c"), (1.4, "#5b4a4c"))
    if not lit:
        glass = ramp(v - 0.3 * u, (-0.3, "#8fb0c4"), (0.3, "#4f6f88"), (1, "#25364a"))
    bar = (np.abs((u * 2) % 1 - 0.5) > 0.43) | (np.abs((v * 3) % 1 - 0.5) > 0.42)
    bar |= (u < 0.07) | (u > 0.93) | (v < 0.06) | (v > 0.94)
    wood = colour("#fbf4e4") * (1.0 if lit else 0.72)
    lay(canvas, np.where(bar[..., None], wood, glass), inside)
    left, top, right, bottom = box
    width = right - left
    for start, end in ((left - width * 0.48, left - 0.008), (right + 0.008, right + width * 0.48)):
        shutter = place(face, (start, top, end, bottom))
        u, v = unfold(shutter)
        slat = 0.75 + 0.35 * ((v * 11) % 1)
        slat = np.where((u < 0.14) | (u > 0.86) | (v < 0.04) | (v > 0.96), 1.1, slat)
        paint = colour("#3f8088") * (1.0 if lit else 0.66)
        lay(canvas, paint * slat[..., None], outline(*shutter))
    sill = place(face, (left - 0.02, bottom, right + 0.02, bottom + 0.035))
    lay(canvas, wood * 0.93, outline(*sill))


def door(canvas):
    frame = place(GABLE, (0.60, 0.30, 0.86, 0.985))
    u, v = unfold(frame)
    lay(canvas, colour("#fbf4e4"), outline(*frame))
    panel = outline(*place(GABLE, (0.625, 0.33, 0.835, 0.985)))
    groove = np.abs((u * 6) % 1 - 0.5) > 0.44
    wood = np.where(groove[..., None], colour("#1f4a56"), colour("#2f6b78"))
    lay(canvas, wood * (1.08 - 0.25 * v)[..., None], panel)
    lay(canvas, colour("#f5d58a"), outline(*place(GABLE, (0.66, 0.36, 0.80, 0.50))))
    x, y = place(GABLE, (0.80, 0.66, 0.81, 0.67))[0]
    lay(canvas, colour("#ffe08a"), np.clip(5.5 - np.hypot(X - x, Y - y), 0, 1))
    lay(canvas, colour("#bcae98"), outline(*place(GABLE, (0.57, 0.985, 0.89, 1.03))))


def chimney(canvas):
    face = ((1460, 400), (1532, 404), (1532, 560), (1460, 556))
    side = ((1532, 404), (1566, 398), (1566, 556), (1532, 560))
    lay(canvas, bricks(*unfold(face), 4, 16), outline(*face))
    lay(canvas, bricks(*unfold(side), 2, 16), outline(*side))
    shade(canvas, outline(*side), 0.45, "#3a2c4a")
    lay(canvas, colour("#d9c3a2"), outline((1452, 390), (1536, 394), (1536, 408), (1452, 404)))
    lay(canvas, colour("#94826f"), outline((1536, 394), (1574, 388), (1574, 402), (1536, 408)))
    for x in (1476, 1512):
        lay(
            canvas, colour("#b5643f"), outline((x, 358), (x + 22, 358), (x + 25, 394), (x - 3, 392))
        )
        shade(canvas, outline((x + 13, 358), (x + 22, 358), (x + 25, 394), (x + 13, 393)), 0.4)


def boards(canvas):
    """The white boards along the gable, the shadow beneath them, and the gutter."""
    for low, high in (((946, 742), (968, 752)), ((1328, 734), (1306, 742))):
        shadow = outline(APEX, low, (high[0], high[1] + 34), (APEX[0], APEX[1] + 52))
        shade(canvas, soften(shadow, 3) * (outline(GABLE[0], APEX, GABLE[1]) > 0), 0.45, "#3a1c22")
        lay(canvas, colour("#f8efdc"), outline((1128, 468), low, high, (1128, 500)))
    lay(canvas, colour("#d8cdb9"), outline((1322, 726), (1852, 750), (1852, 762), (1322, 740)))
    lay(canvas, colour("#5d2f33"), outline((1126, 466), (1698, 524), (1698, 538), (1126, 484)))


def leaves(canvas, clumps, count, palette, size):
    """Leaves in round clumps (x, y, radius), the lit ones of the upper left last."""
    image, draw = pencil(canvas)
    dots = []
    for x, y, radius in clumps:
        share = int(count * radius**2 / sum(r**2 for *_, r in clumps))
        angle, reach = rng.uniform(0, 2 * np.pi, share), rng.normal(0, 0.55, share) * radius
        across, down = reach * np.cos(angle), reach * np.sin(angle)
        light = -(across * 0.7 + down) / radius + rng.normal(0, 0.45, share)
        depth = light + rng.normal(0, 0.5, share)
        dots += zip(depth, light, x + across, y + down, strict=True)
    for _, light, x, y in sorted(dots):
        fill = tuple(int(c) for c in ramp(light, *palette))
        leaf(draw, x, y, size * rng.uniform(0.7, 1.3), rng.uniform(0, np.pi), fill)
    canvas[:] = np.asarray(image, np.float32)


def leaf(draw, x, y, size, angle, fill):
    along = np.array([np.cos(angle), np.sin(angle)]) * size
    over = np.array([-along[1], along[0]]) * 0.45
    centre = np.array([x, y])
    draw.polygon([tuple(centre + d) for d in (along, over, -along, -over)], fill=fill)


GREENS = (
    (-2.0, "#16301f"),
    (-0.8, "#274a28"),
    (0.2, "#4b7432"),
    (1.0, "#86a03f"),
    (2.0, "#d6cc6a"),
)


def tree(canvas):
    trunk = outline((1838, 1040), (1850, 700), (1880, 700), (1902, 1044))
    bark = ramp(noise(22, 4, 0.4), (-2, "#3a2a26"), (2, "#866650"))
    lay(canvas, bark, trunk)
    crown = np.array(
        [
            (1870, 330, 60),
            (1840, 430, 85),
            (1900, 500, 100),
            (1800, 560, 80),
            (1880, 640, 100),
            (1790, 680, 66),
            (1850, 740, 60),
            (1915, 760, 70),
        ],
        float,
    )
    twigs = np.repeat(crown, 7, axis=0)
    twigs[:, :2] += rng.normal(0, 0.5, (len(twigs), 2)) * twigs[:, 2:]
    twigs[:, 2] *= rng.uniform(0.3, 0.6, len(twigs))
    leaves(canvas, twigs, 13000, GREENS, 9)


def hedge(canvas):
    clumps = [(1330 + 74 * i, 1044 - 5 * i + rng.uniform(-6, 6), 46) for i in range(8)]
    leaves(canvas, clumps, 4200, GREENS, 8)
    climb = np.linspace(0, 1, 26)
    ivy = np.stack([1000 + 13 * np.sin(climb * 9), 1030 - 290 * climb, 27 - 17 * climb], axis=1)
    leaves(canvas, ivy, 1500, GREENS, 7)
    roses = ((-2, "#8e2a3a"), (0, "#cf4a58"), (2, "#ffb3a8"))
    leaves(canvas, [(x, y - 14, r * 0.8) for x, y, r in clumps[::2]], 90, roses, 9)


def fence(canvas):
    image, draw = pencil(canvas)
    x, width = -12.0, 25.0
    while x < 946:
        foot = 1068 - x * 0.022
        top = foot - 128 + x * 0.018
        for rail in (0.30, 0.72):
            y = top + (foot - top) * rail
            draw.polygon(
                [(x, y), (x + width * 1.75, y - 0.5), (x + width * 1.75, y + 13), (x, y + 13)],
                fill="#d9cdb8",
            )
            draw.line((x, y + 14, x + width * 1.75, y + 14), fill="#8f8a7c", width=3)
        x += width * 1.75
        width *= 0.9985
    x, width = -12.0, 25.0
    while x < 946:
        foot = 1068 - x * 0.022
        top = foot - 128 + x * 0.018
        post = [
            (x, foot),
            (x, top + 16),
            (x + width / 2, top - 6),
            (x + width, top + 16),
            (x + width, foot),
        ]
        draw.polygon(post, fill="#fbf5e8")
        draw.polygon(
            [
                (x + width * 0.72, foot),
                (x + width * 0.72, top + 8),
                (x + width, top + 16),
                (x + width, foot),
            ],
            fill="#b7b0a4",
        )
        x += width * 1.75
        width *= 0.9985
    canvas[:] = np.asarray(image, np.float32)


def grass(canvas, top, count, tall, avoid):
    """Blades from far to near, longer toward the viewer, none on the path."""
    image, draw = pencil(canvas)
    feet = top + (HEIGHT + 30 - top) * np.sqrt(rng.uniform(0, 1, count))
    for foot in np.sort(feet):
        x, near = rng.uniform(-10, WIDTH + 10), (foot - top) / (HEIGHT - top)
        column, row = int(np.clip(x, 0, WIDTH - 1)), int(min(foot, HEIGHT - 1))
        if avoid[row, column] > 0.3:
            continue
        height = (8 + tall * near) * rng.uniform(0.5, 1.2)
        lean = rng.normal(0.12, 0.3) * height
        width = 2.2 + 3.2 * near
        fill = tuple(int(c) for c in ramp(rng.normal(0.1 - 0.5 * near, 0.7), *GREENS))
        draw.polygon(
            [
                (x - width / 2, foot),
                (x + lean * 0.35, foot - height * 0.6),
                (x + lean, foot - height),
                (x + lean * 0.35 + width * 0.8, foot - height * 0.55),
                (x + width / 2, foot),
            ],
            fill=fill,
        )
    canvas[:] = np.asarray(image, np.float32)


def flowers(canvas, avoid):
    image, draw = pencil(canvas)
    kinds = (
        ("#d8352c", "#3a1416"),
        ("#f8f3e6", "#f0b72e"),
        ("#f2c230", "#8a5a12"),
        ("#6f6fc4", "#e8e2ff"),
    )
    for foot in np.sort(rng.uniform(1075, HEIGHT - 4, 150)):
        x = rng.uniform(0, WIDTH)
        if avoid[int(foot), int(x)] > 0.05 or 1385 < x < 1800:
            continue
        petal, heart = kinds[rng.choice(4, p=(0.4, 0.3, 0.2, 0.1))]
        size = 5 + 9 * (foot - 1075) / 200
        stem = size * rng.uniform(2, 3.5)
        draw.line((x, foot, x + 2, foot - stem), fill="#3d6a2c", width=3)
        for turn in np.arange(5) * 2 * np.pi / 5 + rng.uniform(0, 1):
            cx, cy = x + 2 + np.cos(turn) * size * 0.6, foot - stem + np.sin(turn) * size * 0.45
            draw.ellipse(
                (cx - size * 0.6, cy - size * 0.5, cx + size * 0.6, cy + size * 0.5), fill=petal
            )
        r = size * 0.36
        draw.ellipse((x + 2 - r, foot - stem - r, x + 2 + r, foot - stem + r), fill=heart)
    canvas[:] = np.asarray(image, np.float32)


def sign(canvas):
    for x in (1432, 1738):
        post = outline((x, 1000), (x + 24, 1000), (x + 24, 1290), (x, 1290))
        lay(canvas, ramp((X - x) / 24, (0, "#a87a50"), (0.6, "#7d5538"), (1, "#55382a")), post)
    board = ((1398, 1012), (1796, 1030), (1796, 1196), (1398, 1186))
    u, v = unfold(board)
    shade(canvas, soften(outline(*[(x + 10, y + 14) for x, y in board]), 7), 0.5, "#16241a")
    wood = ramp(noise(14, 4, 9) + 0.6 * np.sin(v * 9), (-2, "#e3cda2"), (2, "#f7e9c9"))
    edge = (np.minimum(u, 1 - u) * 398 < 9) | (np.minimum(v, 1 - v) * 170 < 9)
    lay(canvas, np.where(edge[..., None], colour("#7a4a31"), wood), outline(*board))
    text = Image.new("L", (398, 170))
    draw = ImageDraw.Draw(text)
    for line, size, y in (
        ("THE FOVEA INN", 47, 52),
        ("rooms · tea · sea view", 30, 100),
        ("since 1879", 24, 136),
    ):
        draw.text((199, y), line, font=ImageFont.load_default(size), fill=255, anchor="mm")
    column = np.clip(u * 398, 0, 397).astype(int)
    row = np.clip(v * 170, 0, 169).astype(int)
    lay(
        canvas, colour("#33241f"), np.asarray(text, np.float32)[row, column] / 255 * outline(*board)
    )


def birds(canvas):
    image, draw = pencil(canvas)
    for x, y, size in (
        (700, 210, 26),
        (764, 250, 20),
        (640, 268, 16),
        (856, 196, 15),
        (990, 300, 12),
    ):
        for side in (-1, 1):
            wing = [
                (x, y),
                (x + side * size * 0.7, y - size * 0.55),
                (x + side * size * 1.7, y - size * 0.3),
            ]
            draw.polygon([*wing, (x + side * size * 0.7, y - size * 0.32)], fill="#3b4658")
    canvas[:] = np.asarray(image, np.float32)


def scene():
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for draw in (sky, hills, birds, sea, sailing_boat, headland, lighthouse, meadow):
        draw(canvas)
    walked = path(canvas)
    cottage(canvas)
    grass(
        canvas,
        912,
        2600,
        30,
        np.maximum(walked, outline((975, 0), (1820, 0), (1820, 1015), (1300, 1062), (975, 1030))),
    )
    fence(canvas)
    tree(canvas)
    hedge(canvas)
    grass(canvas, 1062, 7000, 62, walked)
    flowers(canvas, walked)
    sign(canvas)
    grass(canvas, 1200, 900, 60, walked)
    warm = np.exp(-np.hypot(X - SUN[0], Y - SUN[1]) / 900)[..., None]
    canvas += warm * colour("#30200a") * 0.5
    return Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    large = scene()
    small = large.resize((WIDTH // FACTOR, HEIGHT // FACTOR), Image.Resampling.BICUBIC)
    small.save(Path(__file__).with_name("sample.png"), optimize=True)
