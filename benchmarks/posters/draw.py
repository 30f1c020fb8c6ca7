"""Draws what the generated videos show: scenes with the texture of photographs, pages of text, cards and noise.

Pillow alone, and its own typeface; the same seed draws the same frame on every machine.
"""

import math
from collections.abc import Sequence
from functools import cache
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

Colour = tuple[int, int, int]
Size = tuple[int, int]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
WIDE: Size = (640, 360)
WORDS = (
    "report market summer river people method result system nature family energy history because toward little "
    "number after every house world school never start between city story water music always light during value"
)
NAMES = "Alex Kim Maria Lopez Jan Novak Aiko Tanaka Omar Haddad Lena Vogel Tom Baker Ines Costa Ravi Patel"


@cache
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface."""
    return ImageFont.load_default(size)


def plain(colour: Colour, size: Size = WIDE) -> Image.Image:
    """Return one colour."""
    return Image.new("RGB", size, colour)


def colour(chance: Random, low: int = 30, high: int = 225) -> Colour:
    """Any colour within bounds."""
    return chance.randint(low, high), chance.randint(low, high), chance.randint(low, high)


def shade(of: Colour, factor: float) -> Colour:
    """Return a darker (below 1) or lighter colour."""
    red, green, blue = (max(0, min(255, round(value * factor))) for value in of)
    return red, green, blue


def gradient(top: Colour, bottom: Colour, size: Size = WIDE) -> Image.Image:
    """Return one colour above, another below."""
    ramp = Image.linear_gradient("L").resize(size)
    return ImageOps.colorize(ramp, top, bottom)


def fractal(chance: Random, size: Size = WIDE, coarse: int = 3, rough: float = 0.5) -> Image.Image:
    """Cloudy noise whose details are the fainter the finer they are, as in nature; of the mode L."""
    width, height = coarse, max(2, round(coarse * size[1] / size[0]))
    result: Image.Image | None = None
    weight = 1.0
    while width < size[0]:
        octave = Image.frombytes("L", (width, height), chance.randbytes(width * height))
        octave = octave.resize(size, Image.Resampling.BICUBIC)
        weight *= rough
        result = octave if result is None else Image.blend(result, octave, weight / (1 + weight))
        width, height = width * 2, height * 2
    assert result is not None
    return ImageOps.autocontrast(result, cutoff=0.5)


def textured(chance: Random, tint: Colour, size: Size = WIDE, depth: float = 0.5, coarse: int = 6) -> Image.Image:
    """Return a surface of one colour with the texture of a natural one."""
    low, high = shade(tint, 1 - depth), shade(tint, 1 + depth)
    return ImageOps.colorize(fractal(chance, size, coarse, 0.7), low, high)


def _ridge(chance: Random, width: int, base: float, height: float) -> list[tuple[float, float]]:
    waves = [(chance.uniform(0, 6.3), chance.uniform(0.6, 1.4) * 2**n, height / 1.8**n) for n in range(6)]
    return [
        (x, base - sum(math.sin(phase + pitch * 6.3 * x / width) * much for phase, pitch, much in waves))
        for x in range(0, width + 4, 4)
    ]


def landscape(chance: Random, size: Size = WIDE) -> Image.Image:
    """Sky with clouds, hills behind each other, a textured ground."""
    width, height = size
    sky = chance.choice([(90, 140, 220), (200, 140, 110), (120, 150, 180), (60, 90, 150)])
    picture = gradient(shade(sky, 0.8), shade(sky, 1.25), size)
    clouds = fractal(chance, size, 4, 0.6).point(lambda value: max(0, min(255, (value - 130) * 4)))
    picture = Image.composite(plain(shade(sky, 1.7), size), picture, clouds)
    for layer in range(chance.randint(2, 4)):
        base = height * (0.45 + 0.14 * layer)
        tint = shade(chance.choice([(90, 110, 90), (70, 100, 60), (120, 100, 70), (80, 90, 120)]), 0.7 + 0.15 * layer)
        mask = Image.new("L", size)
        ridge = _ridge(chance, width, base, height * 0.07)
        ImageDraw.Draw(mask).polygon([*ridge, (width + 4, height), (0, height)], fill=255)
        picture.paste(textured(chance, tint, size, 0.45, 6 + 4 * layer), (0, 0), mask)
    draw = ImageDraw.Draw(picture)
    for _ in range(chance.randint(0, 9)):
        x, foot, tall = chance.uniform(0, width), height * chance.uniform(0.7, 1), height * chance.uniform(0.1, 0.4)
        draw.rectangle((x - 2, foot - tall, x + 2, foot), fill=(60, 45, 30))
        draw.ellipse(
            (x - tall / 4, foot - tall * 1.2, x + tall / 4, foot - tall / 3),
            fill=shade((50, 90, 40), chance.uniform(0.6, 1.3)),
        )
    return picture.filter(ImageFilter.GaussianBlur(0.6))


def _ball(picture: Image.Image, box: tuple[float, float, float, float], tint: Colour) -> None:
    """Draw a round thing, lit from one side."""
    left, top, right, bottom = (round(value) for value in box)
    span = max(2, right - left), max(2, bottom - top)
    glow = ImageChops.invert(Image.radial_gradient("L")).resize((span[0] * 2, span[1] * 2))
    lit = ImageOps.colorize(
        glow.crop((span[0] // 2, span[1] // 2, span[0] * 3 // 2, span[1] * 3 // 2)), shade(tint, 0.25), shade(tint, 1.5)
    )
    mask = Image.new("L", span)
    ImageDraw.Draw(mask).ellipse((0, 0, span[0] - 1, span[1] - 1), fill=255)
    picture.paste(lit, (left, top), mask)


def portrait(chance: Random, size: Size = WIDE, shift: float = 0.0) -> Image.Image:
    """Somebody before a room that is out of focus; `shift` moves the head, as people do when they talk."""
    width, height = size
    wall = colour(chance, 60, 180)
    picture = (
        room(chance, size).filter(ImageFilter.GaussianBlur(5))
        if chance.random() < 0.6
        else textured(chance, wall, size, 0.3, 3)
    )
    x, y = width * chance.uniform(0.35, 0.65) + shift, height * 0.42
    unit = min(width, height) * chance.uniform(0.19, 0.26)
    skin = chance.choice([(225, 180, 150), (190, 140, 105), (120, 80, 60), (240, 200, 175)])
    cloth, hair = colour(chance, 20, 160), chance.choice([(40, 30, 25), (110, 75, 40), (180, 150, 90), (90, 90, 95)])
    _ball(picture, (x - 2.1 * unit, y + 1.1 * unit, x + 2.1 * unit, y + 5 * unit), cloth)
    _ball(picture, (x - 0.4 * unit, y + 0.6 * unit, x + 0.4 * unit, y + 1.6 * unit), shade(skin, 0.8))
    _ball(picture, (x - 1.0 * unit, y - 1.35 * unit, x + 1.0 * unit, y + 0.7 * unit), hair)
    _ball(picture, (x - 0.8 * unit, y - 1.0 * unit, x + 0.8 * unit, y + 1.1 * unit), skin)
    draw = ImageDraw.Draw(picture)
    for side in (-1, 1):
        eye = x + side * 0.32 * unit
        draw.ellipse((eye - 0.14 * unit, y - 0.2 * unit, eye + 0.14 * unit, y - 0.02 * unit), fill=(240, 240, 240))
        draw.ellipse((eye - 0.07 * unit, y - 0.18 * unit, eye + 0.07 * unit, y - 0.04 * unit), fill=(40, 30, 30))
        draw.line((eye - 0.2 * unit, y - 0.34 * unit, eye + 0.2 * unit, y - 0.36 * unit), fill=hair, width=3)
    draw.line((x, y, x - 0.1 * unit, y + 0.3 * unit), fill=shade(skin, 0.6), width=2)
    draw.arc((x - 0.3 * unit, y + 0.3 * unit, x + 0.3 * unit, y + 0.7 * unit), 20, 160, fill=(150, 60, 60), width=4)
    grain = fractal(chance, size, 80, 0.9).convert("RGB")
    return Image.blend(picture, grain, 0.05)


def room(chance: Random, size: Size = WIDE) -> Image.Image:
    """Return a wall, a floor, and furniture of shaded boxes."""
    width, height = size
    picture = textured(chance, colour(chance, 90, 200), size, 0.25, 2)
    floor = textured(chance, colour(chance, 60, 140), size, 0.5, 12)
    horizon = round(height * chance.uniform(0.6, 0.75))
    picture.paste(floor.crop((0, horizon, width, height)), (0, horizon))
    for _ in range(chance.randint(6, 12)):
        across, tall = width * chance.uniform(0.05, 0.22), height * chance.uniform(0.1, 0.45)
        x, foot = chance.uniform(0, width), horizon + height * chance.uniform(-0.3, 0.2)
        tint = colour(chance, 30, 200)
        box = (round(x), round(foot - tall), round(x + across), round(foot))
        if chance.random() < 0.6:
            face = ImageOps.colorize(
                fractal(chance, (max(8, round(across)), max(8, round(tall))), 3, 0.6),
                shade(tint, 0.6),
                shade(tint, 1.2),
            )
            picture.paste(face, box[:2])
            side = [(box[2], box[1]), (box[2] + 12, box[1] - 8), (box[2] + 12, box[3] - 8), (box[2], box[3])]
            ImageDraw.Draw(picture).polygon(side, fill=shade(tint, 0.45))
        else:
            _ball(picture, box, tint)
    light = ImageChops.invert(Image.radial_gradient("L")).resize((width * 2, height * 2))
    left, top = chance.randrange(width), chance.randrange(height)
    light = light.crop((left, top, left + width, top + height)).point(lambda value: 110 + value * 0.57)
    return ImageChops.multiply(picture, light.convert("RGB"))


def street(chance: Random, size: Size = WIDE) -> Image.Image:
    """Houses with windows, a road, and what passes on it."""
    width, height = size
    picture = gradient((130, 170, 220), (215, 220, 225), size)
    x = -20.0
    while x < width:
        across, tall = chance.uniform(0.1, 0.24) * width, chance.uniform(0.35, 0.72) * height
        tint, top = colour(chance, 70, 190), round(height * 0.78 - tall)
        wall = textured(chance, tint, (round(across), round(tall)), 0.25, 4)
        draw = ImageDraw.Draw(wall)
        for row in range(12, round(tall) - 16, 26):
            for column in range(8, round(across) - 12, 20):
                draw.rectangle(
                    (column, row, column + 10, row + 15), fill=shade((70, 90, 110), chance.uniform(0.4, 2.2))
                )
        picture.paste(wall, (round(x), top))
        x += across
    road = textured(chance, (95, 95, 98), size, 0.35, 30)
    picture.paste(road.crop((0, round(height * 0.78), width, height)), (0, round(height * 0.78)))
    for _ in range(chance.randint(2, 5)):
        x, foot, tint = chance.uniform(0, width), height * chance.uniform(0.82, 0.97), colour(chance, 20, 220)
        _ball(picture, (x, foot - 38, x + 90, foot - 4), tint)
        for wheel in (18, 70):
            _ball(picture, (x + wheel - 9, foot - 14, x + wheel + 9, foot + 4), (40, 40, 40))
    return picture.filter(ImageFilter.GaussianBlur(0.5))


def table(chance: Random, size: Size = WIDE) -> Image.Image:
    """Things on a wooden table, seen from above."""
    width, height = size
    wood = fractal(chance, (size[0], max(4, size[1] // 24)), 6, 0.8).resize(size, Image.Resampling.BICUBIC)
    picture = ImageOps.colorize(wood, (70, 45, 25), (190, 140, 90))
    for _ in range(chance.randint(6, 14)):
        x, y, wide = chance.uniform(0, width), chance.uniform(0, height), chance.uniform(0.05, 0.2) * width
        _ball(picture, (x, y, x + wide, y + wide * chance.uniform(0.6, 1.1)), colour(chance, 40, 230))
    return Image.blend(picture, fractal(chance, size, 40, 0.9).convert("RGB"), 0.08)


def field(chance: Random, size: Size = WIDE) -> Image.Image:
    """Return a pitch with players, before a crowd."""
    width, height = size
    picture = textured(chance, (60, 130, 50), size, 0.25, 40)
    draw = ImageDraw.Draw(picture)
    for stripe in range(0, width, width // 5):
        draw.line((stripe, height // 3, stripe - width // 6, height), fill=(205, 220, 205), width=3)
    crowd = Image.frombytes("RGB", (width // 4, height // 12), chance.randbytes(width // 4 * (height // 12) * 3))
    crowd = crowd.resize((width, height // 3), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1.5))
    picture.paste(crowd.point(lambda value: value * 0.7), (0, 0))
    for _ in range(chance.randint(7, 14)):
        x, foot = chance.uniform(0, width), height * chance.uniform(0.45, 0.95)
        tall, shirt = 0.2 * foot, chance.choice([(200, 40, 40), (40, 60, 190), (240, 240, 240)])
        _ball(picture, (x - tall / 5, foot - tall * 0.8, x + tall / 5, foot - tall * 0.35), shirt)
        _ball(picture, (x - tall / 8, foot - tall, x + tall / 8, foot - tall * 0.75), (215, 170, 140))
        draw.line((x, foot - tall * 0.4, x - 5, foot), fill=(30, 30, 40), width=4)
        draw.line((x, foot - tall * 0.4, x + 6, foot), fill=(30, 30, 40), width=4)
    return picture.filter(ImageFilter.GaussianBlur(0.6))


def drawn(chance: Random, size: Size = WIDE) -> Image.Image:
    """Return a frame of a cartoon: plain colours, dark outlines."""
    width, height = size
    picture = plain(colour(chance, 120, 235), size)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height * chance.uniform(0.6, 0.75), width, height), fill=colour(chance, 60, 180))
    for _ in range(chance.randint(8, 14)):
        x, y = chance.uniform(0, width), chance.uniform(0, height)
        across, tall = width * chance.uniform(0.06, 0.3), height * chance.uniform(0.08, 0.4)
        box = (x - across / 2, y - tall / 2, x + across / 2, y + tall / 2)
        (draw.ellipse if chance.random() < 0.7 else draw.rectangle)(
            box, fill=colour(chance), outline=(20, 20, 20), width=3
        )
    return picture


SCENES = (landscape, portrait, room, street, table, field)


# ---- pages and cards


def _sentence(chance: Random, words: int) -> str:
    return " ".join(chance.choice(WORDS.split()) for _ in range(words)).capitalize()


def slide(chance: Random, size: Size = WIDE, lines: int | None = None, dark: bool | None = None) -> Image.Image:
    """Return a slide with a title and some lines."""
    width, height = size
    dark = chance.random() < 0.3 if dark is None else dark
    ground = colour(chance, 0, 60) if dark else chance.choice([WHITE, WHITE, (245, 240, 225), (225, 235, 245)])
    ink, head = (WHITE, (250, 210, 90)) if dark else ((30, 30, 30), colour(chance, 0, 150))
    picture = plain(ground, size)
    draw = ImageDraw.Draw(picture)
    draw.text((width * 0.07, height * 0.08), _sentence(chance, 2), fill=head, font=font(height * 0.1))
    for number in range(chance.randint(2, 6) if lines is None else lines):
        draw.text(
            (width * 0.09, height * (0.28 + 0.105 * number)),
            "- " + _sentence(chance, chance.randint(2, 6)),
            fill=ink,
            font=font(height * 0.055),
        )
    return picture


def card(chance: Random, size: Size = WIDE, text: str | None = None, ground: Colour | None = None) -> Image.Image:
    """Return a few large words on one colour."""
    width, height = size
    ground = (
        ground
        if ground is not None
        else chance.choice([BLACK, WHITE, colour(chance, 0, 110), colour(chance, 150, 250)])
    )
    ink = WHITE if sum(ground) < 380 else (20, 20, 20)
    picture = plain(ground, size)
    draw = ImageDraw.Draw(picture)
    text = text or _sentence(chance, chance.randint(1, 4))
    draw.text(
        (width / 2, height * 0.46), text, fill=ink, font=font(min(height * 0.16, 1.6 * width / len(text))), anchor="mm"
    )
    if chance.random() < 0.6:
        draw.text((width / 2, height * 0.64), _sentence(chance, 4), fill=ink, font=font(height * 0.06), anchor="mm")
    return picture


def credits_page(
    chance: Random, size: Size = WIDE, offset: float = 0.0, ground: Image.Image | None = None
) -> Image.Image:
    """Names in white, row after row; `offset` in rows scrolls them."""
    width, height = size
    picture = ground.copy() if ground else plain(BLACK, size)
    draw = ImageDraw.Draw(picture)
    pitch, first = height * 0.06, math.floor(offset)
    seed = chance.random()
    for row in range(first, first + 18):
        its = Random(f"{seed} {row}")
        if its.random() < 0.15:
            continue
        y = (row - offset) * pitch
        draw.text((width * 0.48, y), _sentence(its, 2), fill=(235, 235, 235), font=font(pitch * 0.7), anchor="ra")
        draw.text(
            (width * 0.52, y),
            f"{its.choice(NAMES.split())} {its.choice(NAMES.split())}",
            fill=(255, 255, 255),
            font=font(pitch * 0.7),
        )
    return picture


def document(chance: Random, size: Size = WIDE, dark: bool = False) -> Image.Image:
    """Return a page full of small text, such as a document, a spreadsheet or a program in an editor."""
    width, height = size
    ground, ink = ((30, 30, 38), (200, 205, 210)) if dark else (WHITE, (40, 40, 40))
    picture = plain(ground, size)
    draw = ImageDraw.Draw(picture)
    y = height * 0.05
    while y < height * 0.93:
        indent = width * (0.06 + (0.04 * chance.randint(0, 3) if dark else 0))
        tint = colour(chance, 110, 240) if dark and chance.random() < 0.5 else ink
        if chance.random() < 0.9:
            draw.text((indent, y), _sentence(chance, chance.randint(4, 11)), fill=tint, font=font(height * 0.035))
        y += height * 0.047
    return picture


def desktop(chance: Random, page: Image.Image | None, size: Size = WIDE) -> Image.Image:
    """Return a window on a desktop, with a page in it."""
    width, height = size
    picture = page.resize(size) if page else plain(WHITE, size)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width, height * 0.07), fill=(222, 225, 230))
    draw.rounded_rectangle((width * 0.15, height * 0.015, width * 0.8, height * 0.055), 6, fill=WHITE)
    for number, tint in enumerate([(230, 90, 80), (240, 190, 70), (90, 190, 90)]):
        draw.ellipse((8 + 14 * number, 8, 17 + 14 * number, 17), fill=tint)
    draw.rectangle((0, height * 0.94, width, height), fill=(40, 44, 52))
    for number in range(6):
        draw.rectangle((10 + 26 * number, height * 0.95, 28 + 26 * number, height * 0.99), fill=colour(chance))
    return picture


def web_page(chance: Random, size: Size = WIDE) -> Image.Image:
    """Return a page of a site: a heading, text, and photographs."""
    width, height = size
    picture = document(chance, size)
    for number in range(chance.randint(1, 2)):
        photograph = chance.choice(SCENES)(chance, (320, 180)).resize((round(width * 0.4), round(height * 0.4)))
        picture.paste(photograph, (round(width * 0.55), round(height * (0.1 + 0.43 * number))))
    return picture


def colour_bars(chance: Random, size: Size = WIDE) -> Image.Image:
    """Bars of colour, in one of the usual arrangements."""
    width, height = size
    level = chance.choice([191, 255])
    tints = [
        (level, level, level),
        (level, level, 0),
        (0, level, level),
        (0, level, 0),
        (level, 0, level),
        (level, 0, 0),
        (0, 0, level),
    ]
    picture = plain(BLACK, size)
    draw = ImageDraw.Draw(picture)
    kind = chance.randrange(3)
    foot = height * (0.67 if kind else 1)
    for number, tint in enumerate(tints):
        draw.rectangle((width * number / 7, 0, width * (number + 1) / 7, foot), fill=tint)
        if kind:
            draw.rectangle(
                (width * number / 7, foot, width * (number + 1) / 7, height * 0.75),
                fill=tints[6 - number] if number % 2 == 0 else (19, 19, 19),
            )
    if kind == 1:
        for number, tint in enumerate([(0, 33, 76), WHITE, (50, 0, 106), (19, 19, 19), BLACK, (38, 38, 38), BLACK]):
            draw.rectangle((width * number / 7, height * 0.75, width * (number + 1) / 7, height), fill=tint)
    elif kind == 2:
        ramp = Image.linear_gradient("L").rotate(90).resize((width, height - round(height * 0.75)))
        picture.paste(ramp.convert("RGB"), (0, round(height * 0.75)))
    if chance.random() < 0.5:
        draw.rectangle((width * 0.3, height * 0.4, width * 0.7, height * 0.55), fill=BLACK)
        draw.text(
            (width / 2, height * 0.475),
            "TEST " + str(chance.randint(1, 99)),
            fill=WHITE,
            font=font(height * 0.09),
            anchor="mm",
        )
    return picture


def end_card(chance: Random, size: Size = WIDE) -> Image.Image:
    """Places for the videos to see next, and a round one for the channel."""
    width, height = size
    picture = (
        gradient(colour(chance, 10, 120), colour(chance, 10, 120), size)
        if chance.random() < 0.6
        else plain(colour(chance, 0, 90), size)
    )
    draw = ImageDraw.Draw(picture)
    frame = colour(chance, 150, 255)
    for left in (0.06, 0.56):
        draw.rounded_rectangle(
            (width * left, height * 0.36, width * (left + 0.38), height * 0.76),
            8,
            fill=shade(frame, 0.35),
            outline=frame,
            width=3,
        )
    draw.ellipse((width * 0.44, height * 0.08, width * 0.56, height * 0.29), fill=frame)
    draw.text(
        (width / 2, height * 0.87),
        chance.choice(["Thanks for watching!", "SUBSCRIBE", "See you next week"]),
        fill=WHITE,
        font=font(height * 0.09),
        anchor="mm",
    )
    return picture


def countdown(number: int, turn: float, size: Size = WIDE) -> Image.Image:
    """Return the leader of a film: a number in two circles, and a hand that goes round."""
    width, height = size
    picture = plain((120, 118, 110), size)
    draw = ImageDraw.Draw(picture)
    x, y, radius = width / 2, height / 2, height * 0.42
    draw.pieslice((x - width, y - width, x + width, y + width), -90, -90 + 360 * turn, fill=(85, 83, 78))
    draw.line((0, y, width, y), fill=(30, 30, 30), width=2)
    draw.line((x, 0, x, height), fill=(30, 30, 30), width=2)
    for its in (radius, radius * 0.86):
        draw.ellipse((x - its, y - its, x + its, y + its), outline=(235, 235, 230), width=4)
    draw.text((x, y), str(number), fill=(20, 20, 20), font=font(height * 0.55), anchor="mm")
    return picture


def clapper(chance: Random, scene: Image.Image) -> Image.Image:
    """Return a slate held before a scene."""
    width, height = scene.size
    picture = scene.copy()
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = width * 0.1, height * 0.12, width * 0.9, height * 0.95
    draw.rectangle((left, top, right, bottom), fill=(25, 25, 28))
    for number in range(10):
        x = left + (right - left) * number / 10
        draw.polygon(
            [(x, top), (x + 30, top), (x + 16, top + height * 0.12), (x - 14, top + height * 0.12)],
            fill=WHITE if number % 2 else (25, 25, 28),
        )
    for row, text in enumerate(
        [
            _sentence(chance, 2).upper(),
            f"SCENE {chance.randint(1, 60)}   TAKE {chance.randint(1, 9)}",
            "DIR. " + chance.choice(NAMES.split()),
            f"CAM A   {chance.randint(1, 28)}.{chance.randint(1, 12)}.",
        ]
    ):
        y = top + height * (0.17 + 0.16 * row)
        draw.line((left, y, right, y), fill=(220, 220, 220), width=2)
        draw.text((left + 14, y + 8), text, fill=(235, 235, 235), font=font(height * 0.085))
    return picture


def loading(chance: Random, part: float, size: Size = WIDE) -> Image.Image:
    """Return the loading screen of a game: a title, a bar, a tip."""
    width, height = size
    picture = gradient(colour(chance, 0, 50), colour(chance, 0, 80), size)
    draw = ImageDraw.Draw(picture)
    draw.text(
        (width / 2, height * 0.35),
        _sentence(chance, 2).upper(),
        fill=colour(chance, 150, 255),
        font=font(height * 0.13),
        anchor="mm",
    )
    draw.text(
        (width / 2, height * 0.9),
        "Tip: " + _sentence(chance, 6),
        fill=(200, 200, 200),
        font=font(height * 0.05),
        anchor="mm",
    )
    draw.rectangle((width * 0.2, height * 0.75, width * 0.8, height * 0.79), outline=(220, 220, 220))
    draw.rectangle((width * 0.2, height * 0.75, width * (0.2 + 0.6 * part), height * 0.79), fill=(220, 220, 220))
    return picture


def logo(chance: Random, size: Size = WIDE, ground: Colour = WHITE) -> Image.Image:
    """Return a mark and a name."""
    width, height = size
    picture, tint = plain(ground, size), colour(chance, 40, 200)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.4, height * 0.2, width * 0.6, height * 0.2 + width * 0.2), fill=tint)
    draw.polygon(
        [(width * 0.5, height * 0.25), (width * 0.57, height * 0.47), (width * 0.43, height * 0.47)], fill=ground
    )
    ink = WHITE if sum(ground) < 380 else (30, 30, 30)
    draw.text(
        (width / 2, height * 0.72),
        _sentence(chance, 1) + " " + chance.choice(["Films", "Media", "Studio"]),
        fill=ink,
        font=font(height * 0.13),
        anchor="mm",
    )
    return picture


def caption(picture: Image.Image, text: str, box: bool = False) -> Image.Image:
    """Return a line of text low in a frame, as subtitles are; on a bar, as names are (`box`)."""
    width, height = picture.size
    picture = picture.copy()
    draw = ImageDraw.Draw(picture)
    if box:
        draw.rectangle((width * 0.05, height * 0.76, width * 0.5, height * 0.88), fill=(20, 50, 130))
        draw.text((width * 0.07, height * 0.79), text, fill=WHITE, font=font(height * 0.06))
    else:
        draw.text(
            (width / 2, height * 0.9),
            text,
            fill=WHITE,
            font=font(height * 0.065),
            anchor="mm",
            stroke_width=2,
            stroke_fill=BLACK,
        )
    return picture


def score_card(chance: Random, picture: Image.Image, large: bool) -> Image.Image:
    """Return the score of a game: small in a corner, or over the whole frame."""
    width, height = picture.size
    picture = picture.copy()
    draw = ImageDraw.Draw(picture)
    text = f"RED {chance.randint(0, 5)} : {chance.randint(0, 5)} BLUE"
    if not large:
        draw.rectangle((width * 0.03, height * 0.04, width * 0.3, height * 0.12), fill=(15, 20, 60))
        draw.text((width * 0.165, height * 0.08), text, fill=WHITE, font=font(height * 0.05), anchor="mm")
        return picture
    draw.rectangle((0, 0, width, height), fill=(15, 20, 60))
    draw.text((width / 2, height * 0.2), text, fill=WHITE, font=font(height * 0.13), anchor="mm")
    for row in range(6):
        y = height * (0.38 + 0.09 * row)
        draw.rectangle((width * 0.15, y, width * 0.85, y + height * 0.075), fill=(40, 50, 110))
        draw.text(
            (width * 0.18, y + 3),
            f"{chance.choice(NAMES.split())} {chance.choice(NAMES.split())}   {chance.randint(1, 90)}'",
            fill=WHITE,
            font=font(height * 0.05),
        )
    return picture


# ---- noise


def snow(chance: Random, size: Size = WIDE, cell: int = 2, colours: bool = False) -> Image.Image:
    """Return what a receiver without a signal shows."""
    width, height = size[0] // cell, size[1] // cell
    mode = "RGB" if colours else "L"
    picture = Image.frombytes(mode, (width, height), chance.randbytes(width * height * len(mode if colours else "L")))
    return picture.convert("RGB").resize(size, Image.Resampling.NEAREST)


def blocks(chance: Random, size: Size = WIDE, block: int = 16, over: Image.Image | None = None) -> Image.Image:
    """Broken blocks, over all of a frame or much of it."""
    width, height = size[0] // block, size[1] // block
    broken = Image.frombytes("RGB", (width, height), chance.randbytes(width * height * 3)).resize(
        size, Image.Resampling.NEAREST
    )
    if over is None:
        return broken
    share = chance.uniform(90, 170)
    mask = Image.frombytes("L", (width, height), chance.randbytes(width * height)).point(
        lambda value: 255 if value < share else 0
    )
    return Image.composite(broken, over.resize(size), mask.resize(size, Image.Resampling.NEAREST))


def smeared(chance: Random, picture: Image.Image) -> Image.Image:
    """Return what a decoder shows that never saw a keyframe: grey, with traces of what moves."""
    edges = picture.convert("L").filter(ImageFilter.Kernel((3, 3), (-1, -1, 0, -1, 0, 1, 0, 1, 1), 2, 128))
    block = 16
    small = edges.resize((max(1, picture.width // block), max(1, picture.height // block)), Image.Resampling.BOX)
    traces = Image.blend(edges, small.resize(picture.size, Image.Resampling.NEAREST), 0.7)
    return ImageOps.colorize(traces, (60, 70, 60), (190, 180, 190)).filter(
        ImageFilter.GaussianBlur(chance.uniform(0.5, 2))
    )


def grainy(chance: Random, picture: Image.Image, much: float) -> Image.Image:
    """Return a frame with the grain of a sensor in the dark."""
    width, height = picture.width // 2, picture.height // 2
    grain = Image.frombytes("L", (width, height), chance.randbytes(width * height)).resize(
        picture.size, Image.Resampling.BILINEAR
    )
    return Image.blend(picture, ImageChops.add(picture, grain.convert("RGB"), 1, -110), much)


def dimmed(picture: Image.Image, factor: float) -> Image.Image:
    """Return a darker frame, or a lighter one."""
    return picture.point(lambda value: min(255, value * factor))


def blend(first: Image.Image, second: Image.Image, part: float) -> Image.Image:
    """Between two frames."""
    return Image.blend(first, second, max(0.0, min(1.0, part)))


def sheet(pictures: Sequence[Image.Image], columns: int = 6, width: int = 200) -> Image.Image:
    """Return frames side by side, to look at."""
    height = max(round(width * picture.height / picture.width) for picture in pictures)
    rows = math.ceil(len(pictures) / columns)
    whole = Image.new("RGB", (columns * width, rows * height), (255, 0, 255))
    for number, picture in enumerate(pictures):
        small = picture.resize((width, round(width * picture.height / picture.width)))
        whole.paste(small, (number % columns * width, number // columns * height))
    return whole
