"""Kinds of videos that people upload, each with moments that are worth a poster and others that are not.

A kind is a function: it draws its content, its durations and its order from a source of chance, and returns parts of
which it is known by construction whether they are good.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from benchmarks.posters import draw
from benchmarks.posters.draw import BLACK, WHITE, WIDE, Size


@dataclass(frozen=True)
class Part:
    """Frames that are worth a poster, or that are not."""

    frames: Iterable[Image.Image]
    good: bool = False


class Studio:
    """What a kind draws from."""

    def __init__(self, chance: Random, rate: int, pace: float, photographs: Sequence[Image.Image]) -> None:
        """`rate`: frames a second; `pace`: 2 makes everything last twice as long."""
        self.chance, self.rate, self._pace, self._photographs = chance, rate, pace, photographs

    def count(self, low: float, high: float) -> int:
        """Return frames of some seconds between two bounds."""
        return max(1, round(self.chance.uniform(low, high) * self.rate * self._pace))

    def scene(self, size: Size = WIDE) -> Image.Image:
        """Return a scene, another one each time; a part of a real photograph where there are some."""
        chance = self.chance
        if self._photographs and chance.random() < 0.4:
            whole = chance.choice(self._photographs)
            width = round(whole.width * chance.uniform(0.55, 1))
            height = min(whole.height, round(width * size[1] / size[0]))
            width = round(height * size[0] / size[1])
            left, top = chance.randint(0, whole.width - width), chance.randint(0, whole.height - height)
            part = whole.crop((left, top, left + width, top + height)).resize(size)
            part = ImageEnhance.Color(part).enhance(chance.uniform(0.5, 1.4))
            return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if chance.random() < 0.5 else part
        return chance.choice(draw.SCENES)(chance, size)

    def move(self, picture: Image.Image, count: int) -> Iterator[Image.Image]:
        """Yield a camera before a scene: it zooms, pans, shakes or stands still."""
        chance, size = self.chance, picture.size
        kind, room = chance.choice(["zoom", "pan", "shake", "still"]), chance.uniform(0.06, 0.16)
        shakes = [(chance.uniform(-0.3, 0.3), chance.uniform(-0.3, 0.3)) for _ in range(count)]
        for number in range(count):
            part = number / max(1, count - 1)
            scale = 1 - room * (part if kind == "zoom" else 1)
            width, height = size[0] * scale, size[1] * scale
            across, down = (part, 0.5) if kind == "pan" else (0.5, 0.5)
            if kind == "shake":
                across, down = across + shakes[number][0], down + shakes[number][1]
            left, top = (size[0] - width) * across, (size[1] - height) * down
            box = (left, top, left + width, top + height)
            yield picture.resize(size, Image.Resampling.BILINEAR, box=box)

    def shot(self, low: float = 3, high: float = 8, size: Size = WIDE) -> Part:
        """Return a scene for some seconds."""
        return Part(self.move(self.scene(size), self.count(low, high)), good=True)

    def shots(self, least: int, most: int, low: float = 3, high: float = 6, size: Size = WIDE) -> list[Part]:
        """Several scenes with cuts between them."""
        return [self.shot(low, high, size) for _ in range(self.chance.randint(least, most))]

    def hold(self, picture: Image.Image, low: float, high: float, good: bool = False) -> Part:
        """Return a frame that stands still."""
        return Part([picture] * self.count(low, high), good)

    def between(self, first: Image.Image, second: Image.Image, low: float, high: float) -> Part:
        """Return a dissolve, or a fade where one of the two is plain; without its ends."""
        count = self.count(low, high)
        return Part([draw.blend(first, second, (number + 1) / (count + 1)) for number in range(count)])


Kind = Callable[[Studio], list[Part]]
KINDS: dict[str, Kind] = {}


def _kind(name: str) -> Callable[[Kind], Kind]:
    def register(kind: Kind) -> Kind:
        KINDS[name] = kind
        return kind

    return register


# ---- nothing, noise and faults


@_kind("analogue snow around a scene")
def _(studio: Studio) -> list[Part]:
    cell, colours = studio.chance.choice([1, 2, 2, 3]), studio.chance.random() < 0.3

    def snow() -> Part:
        return Part([draw.snow(studio.chance, cell=cell, colours=colours) for _ in range(studio.count(2, 5))])

    return [snow(), studio.shot(4, 8), snow()]


@_kind("broken blocks in a scene")
def _(studio: Studio) -> list[Part]:
    size = studio.chance.choice([8, 16])
    scene = studio.scene()
    first, second = studio.count(3, 6), studio.count(3, 6)
    moving = list(studio.move(scene, first + second))
    over = moving[first] if studio.chance.random() < 0.5 else None
    broken = [draw.blocks(studio.chance, block=size, over=over) for _ in range(studio.count(0.5, 1.5))]
    return [Part(moving[:first], True), Part(broken), Part(moving[first:], True)]


@_kind("a glitchy start, grey with smears")
def _(studio: Studio) -> list[Part]:
    scene = studio.scene()
    smears = [draw.smeared(studio.chance, frame) for frame in studio.move(scene, studio.count(1.5, 4))]
    return [Part(smears), Part(studio.move(scene, studio.count(4, 7)), True), *studio.shots(0, 2)]


@_kind("a blank page before a page that is not")
def _(studio: Studio) -> list[Part]:
    pages: list[Callable[[Random], Image.Image]] = [draw.slide, draw.document, draw.web_page]
    page = studio.chance.choice(pages)(studio.chance)
    return [studio.hold(draw.plain(WHITE), 3, 6), studio.hold(page, 4, 8, True)]


@_kind("an intro of black, a third of the video")
def _(studio: Studio) -> list[Part]:
    return [studio.hold(draw.plain(BLACK), 5, 8), *studio.shots(2, 4)]


@_kind("one colour before and after a scene")
def _(studio: Studio) -> list[Part]:
    tint = studio.chance.choice([(20, 30, 200), (128, 128, 128), (0, 160, 60), (90, 15, 12)])
    return [studio.hold(draw.plain(tint), 4, 7), studio.shot(5, 8), studio.hold(draw.plain(tint), 2, 6)]


@_kind("white flashes")
def _(studio: Studio) -> list[Part]:
    white = draw.plain(WHITE)
    return list(chain.from_iterable((studio.hold(white, 0.3, 1.5), studio.shot(2, 4)) for _ in range(5)))


@_kind("overexposed until the camera adapts")
def _(studio: Studio) -> list[Part]:
    scene = studio.scene()
    count = studio.count(2, 4)
    bright = [draw.blend(draw.plain(WHITE), draw.dimmed(scene, 3), number / count * 0.7) for number in range(count)]
    return [Part(bright), Part(studio.move(scene, studio.count(4, 8)), True)]


# ---- fades and dissolves


@_kind("a long fade from black")
def _(studio: Studio) -> list[Part]:
    scene = studio.scene()
    return [studio.between(draw.plain(BLACK), scene, 2, 4), Part(studio.move(scene, studio.count(3, 6)), True)]


@_kind("a logo that fades in on white")
def _(studio: Studio) -> list[Part]:
    mark = draw.logo(studio.chance)
    ground = draw.plain(studio.chance.choice([BLACK, WHITE]))
    return [studio.between(ground, mark, 2, 4), studio.hold(mark, 2, 4, True)]


@_kind("slides that dissolve, and an end")
def _(studio: Studio) -> list[Part]:
    chance = studio.chance
    dark = chance.random() < 0.3
    slides = [draw.slide(chance, lines=chance.randint(3, 6), dark=dark) for _ in range(chance.randint(2, 4))]
    parts = [studio.hold(slides[0], 4, 6, True)]
    for before, after in pairwise(slides):
        parts += [studio.between(before, after, 1, 2.5), studio.hold(after, 4, 6, True)]
    return [*parts, studio.hold(draw.card(chance, text="The end", ground=slides[0].getpixel((1, 1))), 2, 4)]  # type: ignore[arg-type]


@_kind("scenes that dissolve into each other")
def _(studio: Studio) -> list[Part]:
    scenes = [studio.scene() for _ in range(studio.chance.randint(3, 5))]
    parts = [Part(studio.move(scenes[0], studio.count(2, 4)), True)]
    for before, after in pairwise(scenes):
        parts += [studio.between(before, after, 1, 2.5), Part(studio.move(after, studio.count(2, 4)), True)]
    return parts


@_kind("a slide show of photographs that move and dissolve")
def _(studio: Studio) -> list[Part]:
    scenes = [list(studio.move(studio.scene(), studio.count(3, 5))) for _ in range(studio.chance.randint(3, 6))]
    parts = [Part(scenes[0], True)]
    for before, after in pairwise(scenes):
        parts += [studio.between(before[-1], after[0], 0.8, 2), Part(after, True)]
    return parts


@_kind("a fade to white and a white end")
def _(studio: Studio) -> list[Part]:
    *others, scene = [studio.scene() for _ in range(3)]
    parts = [Part(studio.move(other, studio.count(2, 4)), True) for other in others]
    last = list(studio.move(scene, studio.count(2, 4)))
    white = draw.plain(WHITE)
    return [*parts, Part(last, True), studio.between(last[-1], white, 2, 4), studio.hold(white, 1, 4)]


@_kind("fades through black between scenes")
def _(studio: Studio) -> list[Part]:
    parts = []
    black = draw.plain(BLACK)
    for _ in range(studio.chance.randint(3, 4)):
        moving = list(studio.move(studio.scene(), studio.count(2, 4)))
        parts += [studio.between(black, moving[0], 0.8, 1.6), Part(moving, True)]
        parts += [studio.between(moving[-1], black, 0.8, 1.6), studio.hold(black, 0.3, 1)]
    return parts


@_kind("scenes that wipe into each other")
def _(studio: Studio) -> list[Part]:
    scenes = [studio.scene() for _ in range(3)]
    parts = [Part(studio.move(scenes[0], studio.count(2, 4)), True)]
    for before, after in pairwise(scenes):
        count = studio.count(0.6, 1.2)
        wipes = []
        for number in range(count):
            frame = before.copy()
            edge = round(frame.width * (number + 1) / (count + 1))
            frame.paste(after.crop((0, 0, edge, frame.height)), (0, 0))
            wipes.append(frame)
        parts += [Part(wipes), Part(studio.move(after, studio.count(2, 4)), True)]
    return parts


# ---- text, cards and logos beside scenes


@_kind("a dark scene, then credits")
def _(studio: Studio) -> list[Part]:
    night = draw.dimmed(studio.scene(), studio.chance.uniform(0.22, 0.4))
    pages = [studio.hold(draw.credits_page(studio.chance), 3, 6) for _ in range(2)]
    return [Part(studio.move(night, studio.count(5, 9)), True), *pages]


@_kind("titles before, credits that roll after")
def _(studio: Studio) -> list[Part]:
    seed, count = studio.chance.random(), studio.count(6, 10)
    roll = [draw.credits_page(Random(seed), offset=number / count * 20) for number in range(count)]
    return [studio.hold(draw.card(studio.chance, ground=BLACK), 2, 5), *studio.shots(2, 3), Part(roll)]


@_kind("credits over a darkened picture")
def _(studio: Studio) -> list[Part]:
    ground = draw.dimmed(studio.scene(), studio.chance.uniform(0.35, 0.6))
    page = draw.credits_page(studio.chance, ground=ground)
    return [*studio.shots(2, 4), studio.hold(page, 4, 8)]


@_kind("slides of text and one photograph")
def _(studio: Studio) -> list[Part]:
    slides = [studio.hold(draw.slide(studio.chance, dark=False), 4, 8) for _ in range(studio.chance.randint(3, 5))]
    slides.insert(studio.chance.randint(1, len(slides) - 1), studio.hold(studio.scene(), 4, 5, True))
    return slides


@_kind("a test card before a talk")
def _(studio: Studio) -> list[Part]:
    face = studio.chance.random()
    shifts = [studio.chance.uniform(-8, 8) for _ in range(6)]
    poses = [draw.portrait(Random(face), shift=shift) for shift in shifts]
    talk = [studio.chance.choice(poses) for _ in range(studio.count(6, 10))]
    return [studio.hold(draw.colour_bars(studio.chance), 4, 8), Part(talk, True)]


@_kind("an end card for the next videos")
def _(studio: Studio) -> list[Part]:
    return [*studio.shots(2, 4), studio.hold(draw.end_card(studio.chance), 5, 9)]


@_kind("a slate before each take")
def _(studio: Studio) -> list[Part]:
    parts = []
    for _ in range(studio.chance.randint(2, 3)):
        scene = studio.scene()
        parts += [
            studio.hold(draw.clapper(studio.chance, scene), 0.8, 2),
            Part(studio.move(scene, studio.count(4, 7)), True),
        ]
    return parts


@_kind("the countdown of a film leader")
def _(studio: Studio) -> list[Part]:
    leader = [draw.countdown(number, turn / studio.rate) for number in range(5, 1, -1) for turn in range(studio.rate)]
    return [Part(leader), studio.hold(draw.plain(BLACK), 0.5, 1.5), *studio.shots(2, 3)]


@_kind("a talking head with gaps of black")
def _(studio: Studio) -> list[Part]:
    face = studio.chance.random()
    poses = [draw.portrait(Random(face), shift=studio.chance.uniform(-10, 10)) for _ in range(6)]
    parts = []
    for _ in range(studio.chance.randint(3, 5)):
        parts.append(Part([studio.chance.choice(poses) for _ in range(studio.count(2, 4))], True))
        parts.append(studio.hold(draw.plain(BLACK), 0.5, 2))
    return parts


@_kind("an interview with cards of its questions")
def _(studio: Studio) -> list[Part]:
    face, ground = studio.chance.random(), draw.colour(studio.chance, 0, 110)
    poses = [draw.portrait(Random(face), shift=studio.chance.uniform(-10, 10)) for _ in range(5)]
    parts = []
    for _ in range(studio.chance.randint(2, 4)):
        parts.append(studio.hold(draw.card(studio.chance, ground=ground), 2, 4))
        talk = [studio.chance.choice(poses) for _ in range(studio.count(3, 5))]
        if studio.chance.random() < 0.5:
            talk = [draw.caption(frame, "Alex Kim, author", box=True) for frame in talk]
        parts.append(Part(talk, True))
    return parts


@_kind("an animated logo before the film")
def _(studio: Studio) -> list[Part]:
    mark = draw.logo(studio.chance, ground=studio.chance.choice([BLACK, WHITE, (20, 30, 60)]))
    ground, count = mark.getpixel((1, 1)), studio.count(2, 4)
    growing = []
    for number in range(count):
        frame = Image.new("RGB", mark.size, ground)
        scale = 0.2 + 0.8 * (number + 1) / count
        small = mark.resize((round(mark.width * scale), round(mark.height * scale)))
        frame.paste(small, ((mark.width - small.width) // 2, (mark.height - small.height) // 2))
        growing.append(frame)
    return [Part(growing), studio.hold(mark, 1, 2), *studio.shots(2, 4)]


@_kind("loading screens of a game")
def _(studio: Studio) -> list[Part]:
    parts = []
    for _ in range(studio.chance.randint(2, 3)):
        seed, count = studio.chance.random(), studio.count(2, 5)
        parts.append(Part([draw.loading(Random(seed), number / count) for number in range(count)]))
        parts.append(studio.shot(3, 6))
    return parts


@_kind("a waiting room, a speaker, a closing card")
def _(studio: Studio) -> list[Part]:
    waiting = draw.card(studio.chance, text="We will start soon", ground=draw.colour(studio.chance, 0, 120))
    face = studio.chance.random()
    poses = [draw.portrait(Random(face), shift=studio.chance.uniform(-6, 6)) for _ in range(4)]
    talk = [studio.chance.choice(poses) for _ in range(studio.count(6, 10))]
    return [
        studio.hold(waiting, 5, 8),
        Part(talk, True),
        studio.hold(draw.card(studio.chance, text="Questions?"), 2, 5),
    ]


@_kind("a game with its score")
def _(studio: Studio) -> list[Part]:
    chance = studio.chance
    table = draw.score_card(chance, draw.field(chance), large=True)
    play = [
        Part(studio.move(draw.score_card(chance, draw.field(chance), large=False), studio.count(3, 6)), True)
        for _ in range(3)
    ]
    return [studio.hold(table, 3, 6), *play, studio.hold(table, 2, 4)]


@_kind("a silent film with cards of its dialogue")
def _(studio: Studio) -> list[Part]:
    parts = []
    for _ in range(3):
        grey = studio.scene().convert("L").convert("RGB")
        aged = [draw.grainy(studio.chance, frame, 0.12) for frame in studio.move(grey, studio.count(3, 5))]
        parts += [studio.hold(draw.card(studio.chance, ground=(12, 12, 12)), 2, 4), Part(aged, True)]
    return parts


@_kind("a recipe with cards of its steps")
def _(studio: Studio) -> list[Part]:
    parts = []
    for _ in range(3):
        parts.append(studio.hold(draw.slide(studio.chance, dark=False), 2, 4))
        parts.append(Part(studio.move(draw.table(studio.chance), studio.count(3, 5)), True))
    return parts


@_kind("a camera that is off, then on")
def _(studio: Studio) -> list[Part]:
    off = draw.plain((32, 33, 36))
    pen = ImageDraw.Draw(off)
    pen.ellipse((260, 120, 380, 240), fill=draw.colour(studio.chance, 60, 190))
    pen.text((320, 180), "AK", fill=WHITE, font=draw.font(50), anchor="mm")
    face = studio.chance.random()
    poses = [draw.portrait(Random(face), shift=studio.chance.uniform(-6, 6)) for _ in range(4)]
    talk = [studio.chance.choice(poses) for _ in range(studio.count(5, 8))]
    return [studio.hold(off, 4, 7), Part(talk, True), studio.hold(off, 2, 4)]


@_kind("a cartoon between its titles")
def _(studio: Studio) -> list[Part]:
    drawn = [studio.hold(draw.drawn(studio.chance), 2, 4, True) for _ in range(3)]
    return [
        studio.hold(draw.card(studio.chance, ground=BLACK), 3, 5),
        *drawn,
        studio.hold(draw.credits_page(studio.chance), 4, 7),
    ]


# ---- screens


@_kind("a recording of a desktop, blank at first")
def _(studio: Studio) -> list[Part]:
    chance = studio.chance
    empty = draw.desktop(chance, None)
    pages = [draw.desktop(chance, draw.web_page(chance)) for _ in range(chance.randint(1, 3))]
    return [studio.hold(empty, 2, 5), *(studio.hold(page, 3, 6, True) for page in pages), studio.hold(empty, 1, 3)]


@_kind("a lesson in an editor that begins on black")
def _(studio: Studio) -> list[Part]:
    pages = [studio.hold(draw.document(studio.chance, dark=True), 3, 6, True) for _ in range(3)]
    return [studio.hold(draw.plain(BLACK), 3, 6), *pages]


@_kind("a lecture: slides with the speaker beside them, after a title")
def _(studio: Studio) -> list[Part]:
    chance = studio.chance
    face = chance.random()
    parts = [studio.hold(draw.card(chance), 3, 6)]
    for _ in range(3):
        page = draw.slide(chance, dark=False)
        page.paste(draw.portrait(Random(face), (220, 165)), (WIDE[0] - 220, WIDE[1] - 165))
        parts.append(studio.hold(page, 4, 7, True))
    return parts


# ---- light, focus and motion


@_kind("a scene at night with grain, after a title")
def _(studio: Studio) -> list[Part]:
    night = draw.dimmed(studio.scene(), studio.chance.uniform(0.2, 0.35))
    much = studio.chance.uniform(0.1, 0.3)
    grainy = [draw.grainy(studio.chance, frame, much) for frame in studio.move(night, studio.count(5, 9))]
    return [studio.hold(draw.card(studio.chance), 3, 6), Part(grainy, True)]


@_kind("rain at night, then nothing but grain")
def _(studio: Studio) -> list[Part]:
    night = draw.dimmed(studio.scene(), studio.chance.uniform(0.25, 0.4))
    wet = []
    for frame in studio.move(night, studio.count(5, 8)):
        pen = ImageDraw.Draw(frame)
        for _ in range(60):
            x, y = studio.chance.randrange(WIDE[0]), studio.chance.randrange(WIDE[1])
            pen.line((x, y, x + 3, y + studio.chance.randint(8, 24)), fill=(95, 100, 110))
        wet.append(draw.grainy(studio.chance, frame, 0.12))
    dark = [draw.grainy(studio.chance, draw.plain((6, 6, 8)), 0.25) for _ in range(studio.count(4, 6))]
    return [Part(wet, True), Part(dark)] if studio.chance.random() < 0.5 else [Part(dark), Part(wet, True)]


@_kind("dark scenes and one in daylight")
def _(studio: Studio) -> list[Part]:
    dark = [Part(studio.move(draw.dimmed(studio.scene(), 0.15), studio.count(4, 7))) for _ in range(2)]
    return [dark[0], studio.shot(4, 6), dark[1]]


@_kind("one sharp scene among blurred ones")
def _(studio: Studio) -> list[Part]:
    blurred = []
    for _ in range(2):
        scene = studio.scene().filter(ImageFilter.GaussianBlur(studio.chance.uniform(8, 16)))
        blurred.append(Part(studio.move(scene, studio.count(4, 7))))
    return [blurred[0], studio.shot(4, 6), blurred[1]]


@_kind("out of focus until the camera finds it")
def _(studio: Studio) -> list[Part]:
    scene, count = studio.scene(), studio.count(2, 4)
    soft = [scene.filter(ImageFilter.GaussianBlur(4 + 10 * (count - number) / count)) for number in range(count)]
    return [Part(soft), Part(studio.move(scene, studio.count(4, 8)), True)]


@_kind("a phone that films the floor first, then swings up")
def _(studio: Studio) -> list[Part]:
    chance = studio.chance
    floor = draw.textured(chance, draw.colour(chance, 70, 140), WIDE, 0.35, 10).filter(ImageFilter.GaussianBlur(5))
    scene = studio.scene()
    swing = [draw.blend(floor, scene, part / 6).filter(ImageFilter.BoxBlur(14)) for part in range(1, 6)]
    start = studio.move(floor, studio.count(1.5, 4))
    return [Part(start), Part(swing), Part(studio.move(scene, studio.count(5, 9)), True), *studio.shots(0, 2)]


@_kind("whip pans between scenes")
def _(studio: Studio) -> list[Part]:
    scenes = [studio.scene() for _ in range(4)]
    parts = [Part(studio.move(scenes[0], studio.count(2, 4)), True)]
    for before, after in pairwise(scenes):
        both = Image.new("RGB", (WIDE[0] * 2, WIDE[1]))
        both.paste(before)
        both.paste(after, (WIDE[0], 0))
        smear = both.resize((WIDE[0] // 20, WIDE[1]), Image.Resampling.BOX).resize(both.size, Image.Resampling.BILINEAR)
        count = studio.count(0.4, 1)
        lefts = [round(WIDE[0] * (number + 1) / (count + 1)) for number in range(count)]
        parts.append(Part([smear.crop((left, 0, left + WIDE[0], WIDE[1])) for left in lefts]))
        parts.append(Part(studio.move(after, studio.count(2, 4)), True))
    return parts


@_kind("a lens that is covered")
def _(studio: Studio) -> list[Part]:
    cover = draw.gradient((70, 20, 12), (25, 8, 6)).filter(ImageFilter.GaussianBlur(9))
    covered = [draw.grainy(studio.chance, frame, 0.08) for frame in studio.move(cover, studio.count(3, 6))]
    return [Part(covered), studio.shot(5, 8)]


# ---- shapes of frame


@_kind("a trailer in bars, with cards between its scenes")
def _(studio: Studio) -> list[Part]:
    wide = (WIDE[0], 272)

    def barred(frames: Iterable[Image.Image]) -> Iterator[Image.Image]:
        for frame in frames:
            whole = draw.plain(BLACK)
            whole.paste(frame, (0, (WIDE[1] - wide[1]) // 2))
            yield whole

    parts = [studio.hold(draw.plain(BLACK), 1, 2)]
    for _ in range(3):
        parts.append(Part(barred([draw.card(studio.chance, wide, ground=BLACK)] * studio.count(1.5, 3))))
        parts.append(Part(barred(studio.move(studio.scene(wide), studio.count(2, 4))), True))
    return [*parts, studio.hold(draw.card(studio.chance, ground=BLACK), 2, 4)]


@_kind("a vertical video between blurred bars, after a card")
def _(studio: Studio) -> list[Part]:
    frames = []
    for frame in studio.move(studio.scene((202, 360)), studio.count(6, 9)):
        whole = frame.resize(WIDE).filter(ImageFilter.BoxBlur(16))
        whole.paste(frame, ((WIDE[0] - frame.width) // 2, 0))
        frames.append(whole)
    return [studio.hold(draw.card(studio.chance), 2, 5), Part(frames, True)]


@_kind("a vertical video of a phone, with an end card")
def _(studio: Studio) -> list[Part]:
    tall = (360, 640)
    return [*studio.shots(2, 3, size=tall), studio.hold(draw.card(studio.chance, tall), 4, 7)]


@_kind("a split screen after one that is half black")
def _(studio: Studio) -> list[Part]:
    half = (WIDE[0] // 2, WIDE[1])
    left, right = studio.scene(half), studio.scene(half)
    waiting, both = draw.plain(BLACK), draw.plain(BLACK)
    pen = ImageDraw.Draw(waiting)
    pen.text((160, 180), "Connecting", fill=WHITE, font=draw.font(24), anchor="mm")
    pen.text((480, 180), "Connecting", fill=WHITE, font=draw.font(24), anchor="mm")
    both.paste(left)
    both.paste(right, (half[0], 0))
    return [studio.hold(waiting, 4, 6), studio.hold(both, 5, 9, True)]


# ---- what is laid over a picture


@_kind("subtitles, with black between the scenes")
def _(studio: Studio) -> list[Part]:
    parts = []
    for _ in range(3):
        frames = list(studio.move(studio.scene(), studio.count(3, 5)))
        half = len(frames) // 2
        frames[half:] = [draw.caption(frame, "What did he say again?") for frame in frames[half:]]
        parts += [studio.hold(draw.caption(draw.plain(BLACK), "Some years later"), 1.5, 3), Part(frames, True)]
    return parts


@_kind("a stamp of the time over a camera that sees little")
def _(studio: Studio) -> list[Part]:
    def stamped(frames: Iterable[Image.Image]) -> Iterator[Image.Image]:
        for number, frame in enumerate(frames):
            frame = frame.copy()
            text = f"2024-05-01 03:{number // 60:02}:{number % 60:02}"
            ImageDraw.Draw(frame).text((8, 8), text, fill=WHITE, font=draw.font(18))
            yield frame

    nothing = [draw.plain((10, 10, 10))] * studio.count(4, 8)
    scene = draw.dimmed(studio.scene().convert("L").convert("RGB"), 0.6)
    return [Part(stamped(nothing)), Part(stamped([scene] * studio.count(4, 7)), True)]


@_kind("flickering light")
def _(studio: Studio) -> list[Part]:
    scene = studio.scene()
    dark = draw.dimmed(scene, 0.06)
    parts = []
    for _ in range(5):
        parts += [studio.hold(dark, 0.4, 1.2), Part(studio.move(scene, studio.count(0.8, 2)), True)]
    return parts


@_kind("double exposure between scenes")
def _(studio: Studio) -> list[Part]:
    scenes = [studio.scene() for _ in range(3)]
    parts = []
    for number, scene in enumerate(scenes):
        parts.append(Part(studio.move(scene, studio.count(3, 5)), True))
        if number < 2:
            over = ImageChops.screen(draw.dimmed(scene, 0.6), draw.dimmed(scenes[number + 1], 0.6))
            parts.append(studio.hold(over, 0.6, 1.5))
    return parts
