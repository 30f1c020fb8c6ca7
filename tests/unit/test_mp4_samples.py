"""Where the samples of an MP4's tables lie and when they are shown, in all the ways that a table can say it."""

from collections.abc import Iterable, Sequence

import pytest

from model import Rejected
from worker.container.mp4.boxes import header
from worker.container.mp4.edits import plain
from worker.container.mp4.fragmented import FragmentTask
from worker.container.mp4.fragments import Kind, add_samples
from worker.container.mp4.movie import Defaults
from worker.container.mp4.samples import FragmentSamples, SampleTable
from worker.container.mp4.searched import Searched
from worker.container.mp4.table import outstanding

from .fake_object import box, numbers

SIZES = [100, 20, 30, 40, 50, 60]


def stsz(sizes: Sequence[int] = SIZES) -> bytes:
    return box(b"stsz", bytes(4), numbers([0, len(sizes), *sizes]))


def stts(*runs: int) -> bytes:
    return box(b"stts", bytes(4), numbers([len(runs) // 2, *runs]))


def ctts(*runs: int) -> bytes:
    values = b"".join(value.to_bytes(4, "big", signed=value < 0) for value in runs)
    return box(b"ctts", bytes(4), numbers([len(runs) // 2]), values)


def stsc(*rows: tuple[int, int, int]) -> bytes:
    return box(b"stsc", bytes(4), numbers([len(rows), *(value for row in rows for value in row)]))


def stco(*places: int, kind: bytes = b"stco") -> bytes:
    return box(kind, bytes(4), numbers([len(places)]), numbers(places, 8 if kind == b"co64" else 4))


def listed(*values: int, kind: bytes = b"stss") -> bytes:
    return box(kind, bytes(4), numbers([len(values), *values]))


def table(*parts: bytes) -> SampleTable:
    """Return a table of these parts, with the usual ones where there are no others of their kind."""
    usual = (stsz(), stts(6, 10), stsc((1, 6, 1)), stco(1000))
    kinds = {part[4:8] for part in parts}
    stands_in = {b"stz2": b"stsz", b"co64": b"stco"}
    kinds |= {stands_in[kind] for kind in kinds & stands_in.keys()}
    content = box(b"stbl", *parts, *(part for part in usual if part[4:8] not in kinds))
    found = header(content, 0, 0, len(content))
    assert found is not None
    return SampleTable(content, found)


def places(samples: SampleTable) -> list[tuple[int, int]]:
    return [samples.place(number) for number in range(samples.count)]


IN_A_ROW = [(1000, 1100), (1100, 1120), (1120, 1150), (1150, 1190), (1190, 1240), (1240, 1300)]


def test_the_samples_of_a_chunk_follow_one_another() -> None:
    assert places(table()) == IN_A_ROW


@pytest.mark.parametrize("kind", [b"stco", b"co64"])
def test_chunks_have_places_of_their_own_and_as_many_samples_as_their_run_says(kind: bytes) -> None:
    found = table(stsc((1, 2, 1), (3, 1, 1)), stco(1000, 2000, 3000, 4000, kind=kind))
    assert places(found) == [(1000, 1100), (1100, 1120), (2000, 2030), (2030, 2070), (3000, 3050), (4000, 4060)]


def test_samples_may_all_have_one_size() -> None:
    found = table(box(b"stsz", bytes(4), numbers([7, 6])))
    assert places(found) == [(1000 + 7 * n, 1007 + 7 * n) for n in range(6)]


@pytest.mark.parametrize(
    ("bits", "sizes"), [(4, bytes([0x12, 0x34, 0x56])), (8, bytes(range(1, 7))), (16, numbers(range(1, 7), 2))]
)
def test_sizes_may_be_written_in_fewer_bits(bits: int, sizes: bytes) -> None:
    found = table(box(b"stz2", bytes(7), bytes([bits]), numbers([6]), sizes))
    assert [found.size(number) for number in range(found.count)] == [1, 2, 3, 4, 5, 6]


def test_samples_that_no_chunk_holds_are_left_out() -> None:
    assert table(stsc((1, 2, 1)), stco(1000)).count == 2


@pytest.mark.parametrize("rows", [((1, 2, 1), (1, 3, 1)), ((1, 2, 1), (9, 3, 1)), ((1, 2, 1), (2, 0, 1))])
def test_what_comes_after_a_fault_of_the_runs_of_chunks_is_not_believed(rows: tuple[tuple[int, int, int], ...]) -> None:
    assert places(table(stsc(*rows), stco(1000, 2000)))[:3] == [(1000, 1100), (1100, 1120), (2000, 2030)]


def test_times_add_up() -> None:
    found = table(stts(2, 10, 1, 100, 3, 10))
    assert [found.decoded(number) for number in range(6)] == [0, 10, 20, 120, 130, 140]
    assert found.end == 150


@pytest.mark.parametrize(
    ("tick", "number"), [(-1, -1), (0, 0), (9, 0), (10, 1), (119, 2), (120, 3), (149, 5), (150, 5), (10**6, 5)]
)
def test_the_last_sample_decoded_before_a_time_is_found(tick: int, number: int) -> None:
    assert table(stts(2, 10, 1, 100, 3, 10)).decoded_before(tick) == number


def test_of_samples_that_last_no_time_the_last_one_is_found() -> None:
    found = table(stts(1, 10, 3, 0, 2, 10))
    assert [found.decoded_before(tick) for tick in (9, 10, 19, 20, 29)] == [0, 4, 4, 5, 5]


@pytest.mark.parametrize("parts", [(stts(2, 10),), (stts(2, 10, 9, 10),), (stts(6, 10), stts(1, 1))])
def test_a_table_of_times_may_be_too_short_or_too_long(parts: Iterable[bytes]) -> None:
    assert [table(*parts).decoded(number) for number in range(6)] == [0, 10, 20, 30, 40, 50]


def test_without_times_samples_follow_one_another_all_the_same() -> None:
    found = table(stts())
    assert [found.decoded(number) for number in range(6)] == [0, 1, 2, 3, 4, 5]


# Decoded I P B B P B, shown I B B P B P.
REORDERED = ctts(1, 10, 1, 30, 2, 0, 1, 20, 1, 0)


@pytest.mark.parametrize("shift", [0, -10, -30])
def test_what_is_on_the_screen_is_what_is_shown_last_and_not_what_is_decoded_last(shift: int) -> None:
    values = [10, 30, 0, 0, 20, 0]
    found = table(ctts(*(value for delay in values for value in (1, delay + shift))))
    shown = [found.shown(number) for number in range(6)]
    assert shown == [n * 10 + delay + shift for n, delay in enumerate(values)]
    order = sorted(range(6), key=lambda number: shown[number])
    for number, following in zip(order, [*order[1:], None], strict=True):
        last = shown[following] - 1 if following is not None else shown[number] + 1000
        assert found.on_screen(shown[number]) == found.on_screen(last) == number
    assert found.on_screen(shown[order[0]] - 1) == order[0]
    assert found.end == max(shown) + 10


def test_sync_samples_are_those_listed() -> None:
    found = table(listed(1, 4))
    assert list(found.syncs) == [0, 3]
    assert [found.sync_before(number) for number in range(6)] == [0, 0, 0, 3, 3, 3]
    assert [found.sync_after(number) for number in (0, 2, 3)] == [3, 3, None]


@pytest.mark.parametrize("parts", [(), (listed(),), (listed(99),)])
def test_without_a_list_any_sample_may_be_one(parts: Iterable[bytes]) -> None:
    assert list(table(*parts).syncs) == [0, 1, 2, 3, 4, 5]


def test_before_the_first_sync_sample_there_is_none() -> None:
    assert table(listed(3)).sync_before(1) is None


def test_partial_sync_samples_and_random_access_points_are_sync_samples_too() -> None:
    rap = box(b"sbgp", bytes(4), b"rap ", numbers([2, 4, 0, 1, 1]))
    others = box(b"sbgp", bytes(4), b"roll", numbers([1, 6, 1]))
    assert list(table(listed(1), listed(3, kind=b"stps"), rap, others).syncs) == [0, 2, 4]


def test_descriptions_change_with_chunks() -> None:
    found = table(stsc((1, 2, 1), (2, 2, 2)), stco(1000, 2000, 3000))
    assert [found.description(number) for number in range(6)] == [0, 0, 1, 1, 1, 1]
    assert [found.described_from(number) for number in range(6)] == [0, 0, 2, 2, 2, 2]


def test_a_table_that_does_not_add_up_is_rejected() -> None:
    with pytest.raises(Rejected, match="does not add up"):
        table(stsc((1, 2**32 - 1, 1)), stco(*range(2**16)), stts(*[2**32 - 1, 2**31 - 1] * 8))


# ---- fragments


def traf(*runs: bytes, track: int = 1, flags: int = 0x20000, fields: Sequence[int] = (), time: int | None = 0) -> bytes:
    tfhd = box(b"tfhd", numbers([flags, track, *fields]))
    tfdt = () if time is None else (box(b"tfdt", numbers([1 << 24]), numbers([time], 8)),)
    return box(b"traf", tfhd, *tfdt, *runs)


def trun(flags: int, count: int, *fields: int) -> bytes:
    return box(b"trun", numbers([flags, count, *(field & 0xFFFFFFFF for field in fields)]))


NO_DEFAULTS = Defaults()


def samples_of(*trafs: bytes, defaults: Defaults = NO_DEFAULTS, start: int = 5000) -> FragmentSamples:
    content = box(b"moof", box(b"mfhd", numbers([0, 1])), *trafs)
    moof = header(content, 0, start, start + len(content))
    assert moof is not None
    found = FragmentSamples()
    add_samples(found, content, moof, Kind(1, 1000, defaults), 7777)
    return found


NON_SYNC, DEPENDS, SYNC = 0x10000, 0x1000000, 0x2000000


def test_a_run_says_all_of_its_samples() -> None:
    found = samples_of(traf(trun(0xF01, 2, 200, *(40, 10, SYNC, 20), *(50, 30, NON_SYNC, -5)), time=1000))
    assert [found.place(number) for number in (0, 1)] == [(5200, 5210), (5210, 5240)]
    assert [found.decoded(number) for number in (0, 1)] == [1000, 1040]
    assert [found.shown(number) for number in (0, 1)] == [1020, 1035]
    assert list(found.syncs) == [0]
    assert found.end == 1085


def test_what_a_run_does_not_say_its_fragment_says_and_then_the_movie() -> None:
    fields = (2, 15, NON_SYNC)
    found = samples_of(
        traf(trun(0x205, 2, 200, SYNC, 7, 8), flags=0x20000 | 0x2 | 0x8 | 0x20, fields=fields),
        defaults=Defaults(1, 1, 1),
    )
    assert [found.place(number) for number in (0, 1)] == [(5200, 5207), (5207, 5215)]
    assert found.decoded(1) == 15
    assert list(found.syncs) == [0]
    assert found.description(0) == 1
    found = samples_of(traf(trun(0x1, 3, 200)), defaults=Defaults(1, 40, 9, NON_SYNC))
    assert [found.place(number)[0] for number in range(3)] == [5200, 5209, 5218]
    assert [found.decoded(number) for number in range(3)] == [0, 40, 80]
    assert list(found.syncs) == []


@pytest.mark.parametrize(("flags", "is_sync"), [(0, True), (SYNC, True), (NON_SYNC, False), (DEPENDS, False)])
def test_a_sample_that_depends_on_others_is_no_sync_sample(flags: int, is_sync: bool) -> None:
    assert list(samples_of(traf(trun(0x601, 1, 200, 10, flags))).syncs) == [0] * is_sync


def test_runs_of_other_tracks_lie_between() -> None:
    # Neither says where its samples lie, so they follow those of the track before.
    sound = traf(trun(0x200, 2, 30, 40), track=2, flags=0)
    found = samples_of(sound, traf(trun(0x200, 1, 10), flags=0))
    assert found.place(0) == (5070, 5080)


def test_places_may_be_told_from_the_start_of_the_file() -> None:
    found = samples_of(traf(trun(0x201, 1, 20, 10), flags=1, fields=(0, 9000)))
    assert found.place(0) == (9020, 9030)


def test_a_fragment_that_tells_no_time_follows_the_one_before() -> None:
    assert samples_of(traf(trun(0x301, 1, 200, 40, 10), time=None)).decoded(0) == 7777


def test_a_run_that_claims_more_samples_than_it_describes_is_read_as_far_as_it_goes() -> None:
    assert samples_of(traf(trun(0x201, 2**32 - 1, 200, 10, 20))).count == 2


def test_where_nothing_is_found_before_a_fragment_its_own_samples_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = samples_of(traf(trun(0x301, 2, 200, 40, 10, 40, 10)))
    part = plain(0, 80, 1000).parts[0]
    task = FragmentTask(samples, part, {1: 0.04}, 0, 0, begin=5000, end=9000, awaited=((1000, 5000),))
    searched = object.__new__(Searched)
    # A fragment was cut off there: nothing of the kind begins where it ended.
    monkeypatch.setattr(searched, "_found", lambda start, _: start)
    monkeypatch.setattr(searched, "_load", lambda *_: FragmentSamples())
    searched._settle(task)
    assert task.is_settled
    assert (task.samples, task.wanted, task.begin) == (samples, {1: 0.04}, 5000)


# ---- where nothing tells the keyframes


def test_keyframes_stand_out_by_their_size() -> None:
    sizes = [300 if n % 50 == 0 else 100 + n % 7 for n in range(400)]
    assert outstanding(sizes) == list(range(0, 400, 50))


def test_where_none_stands_out_for_long_some_sample_is_taken() -> None:
    assert outstanding([100] * 1000) == [0, 240, 480, 720, 960]
