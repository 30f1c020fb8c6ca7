"""The load run in small, and its own parts: a check that cannot fail checks nothing."""

import dataclasses
import io

import pytest

from benchmarks.load import plan as planning
from benchmarks.load.checks import Found, verdict
from benchmarks.load.clips import NUMBERS, SIZE, _drawn, clip, shown
from benchmarks.load.handlers import Drift, Sample, drifts
from benchmarks.load.plan import FAULTS, HOSTILE, Plan, picture_key, planned
from benchmarks.load.report import growth, written
from benchmarks.load.run import Result, run

UPLOADS = 60
SECONDS = 90


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned(UPLOADS)


@pytest.fixture(scope="module")
def result(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.2")  # the emulator's; a second by itself
        return run(plan, tmp_path_factory.mktemp("load"), 3, SECONDS, lambda _: None)


def test_every_upload_of_a_small_run_ends_in_the_one_state_that_it_must(plan: Plan, result: Result) -> None:
    assert result.with_faults.faults == ()
    assert sum(result.with_faults.states.values()) == len(plan.final)
    assert result.with_faults.states["failure queue"] == 2
    assert result.with_faults.states["rejected"] + result.with_faults.states.get("skipped", 0) == len(HOSTILE)


def test_what_failed_gets_its_picture_once_the_faults_are_gone_and_it_is_redriven(result: Result) -> None:
    assert result.redriven.faults == ()
    assert "failure queue" not in result.redriven.states
    assert result.redrive_said.startswith("2 replayed")


def test_faults_and_repetitions_of_a_small_run_did_come_about(plan: Plan, result: Result) -> None:
    # Each lasting fault fails three invocations; a passing one is mended within its invocation.
    assert result.failed_attempts >= 3 * 2
    assert result.injected >= result.failed_attempts
    assert result.repeated == plan.deliveries - UPLOADS > 0
    assert result.attempts >= plan.deliveries


def test_no_handler_of_a_small_run_ends_or_keeps_files_open(result: Result) -> None:
    assert result.restarted == 0
    assert len({sample.pid for sample in result.samples}) == 3
    assert all(drift.descriptors_after - drift.descriptors_before <= 1 for drift in result.drifts)


def test_the_report_shows_the_states_and_what_is_wrong(result: Result) -> None:
    good = written(result, "command")
    assert "Every object ended as it must." in good
    assert all(len(line) <= 120 for line in good.splitlines() if not line.startswith("|"))
    bad = dataclasses.replace(result, restarted=2)
    assert "- 2 handlers ended during the run" in written(bad, "command")
    assert "Every object ended as it must." not in written(bad, "command")


def test_a_picture_tells_the_number_of_its_clip_whatever_its_quality() -> None:
    for number in (0, 1, 1234, NUMBERS - 1):
        for quality, size in ((80, SIZE), (30, (64, 36))):
            target = io.BytesIO()
            _drawn(number).resize(size).save(target, "JPEG", quality=quality)
            assert shown(target.getvalue()) == number


def test_clips_are_small_and_no_two_are_the_same() -> None:
    clips = [clip(number) for number in range(20)]
    assert len(set(clips)) == 20
    assert max(map(len, clips)) < 20_000
    with pytest.raises(ValueError, match="does not fit"):
        clip(NUMBERS)


def test_a_plan_is_the_same_for_the_same_seed_and_has_one_of_every_kind(plan: Plan) -> None:
    assert planned(UPLOADS).puts == plan.puts
    assert planned(UPLOADS, seed=2).puts != plan.puts
    kinds = {put.kind for put in plan.puts}
    assert {f"hostile: {kind}" for kind in HOSTILE} | {f"fault: {name}" for name, *_ in FAULTS} < kinds
    assert {"plain", "overwritten", "overwriting", "event sent twice"} < kinds


def test_a_plan_of_2000_has_a_twentieth_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "clip", lambda number: b"%d" % number)  # encoding takes seconds
    puts = planned(2000).puts
    assert len(puts) == 2000
    for start, count in (("hostile", 100), ("fault", 100), ("event sent twice", 100), ("overwrit", 100)):
        assert sum(put.kind.startswith(start) for put in puts) == count
    places = {id(put): place for place, put in enumerate(puts)}
    assert all(places[id(put.after)] < place for place, put in enumerate(puts) if put.after is not None)


@pytest.mark.parametrize("uploads", [0, 29, NUMBERS])
def test_a_plan_that_cannot_be_is_refused(uploads: int) -> None:
    with pytest.raises(ValueError, match="30 to 4095 can"):
        planned(uploads)


@pytest.fixture
def good(plan: Plan) -> Found:
    """Return what there is after a run in which all went well."""
    final = plan.final
    return Found(
        pictures={picture_key(key): put.number or 0 for key, put in final.items() if put.ends == ("picture",)},
        queued={key: 1 for key, put in final.items() if put.ends == ("failure queue",)},
        stated={key: {"rejected"} for key, put in final.items() if "rejected" in put.ends},
        videos=dict.fromkeys(final, "etag"),
    )


def test_a_good_run_is_found_good(plan: Plan, good: Found) -> None:
    assert verdict(plan, good).faults == ()


def _key(plan: Plan, kind: str) -> str:
    return next(put.key for put in plan.puts if put.kind == kind)


def test_a_lost_object_is_found(plan: Plan, good: Found) -> None:
    key = _key(plan, "plain")
    del good.pictures[picture_key(key)]
    found = verdict(plan, good)
    assert found.faults == (f"{key} (plain) ended in nothing, not in picture",)
    assert found.states["lost"] == 1


def test_an_object_in_two_states_is_found(plan: Plan, good: Found) -> None:
    key = _key(plan, "plain")
    good.queued[key] = 1
    found = verdict(plan, good)
    assert found.faults == (f"{key} (plain) ended in picture and failure queue, not in picture",)
    assert found.states["picture and failure queue"] == 1


def test_a_picture_of_overwritten_or_other_bytes_is_found(plan: Plan, good: Found) -> None:
    newer = next(put for put in plan.puts if put.after is not None)
    assert newer.after is not None
    assert newer.after.number is not None
    good.pictures[picture_key(newer.key)] = newer.after.number
    good.pictures[picture_key(_key(plan, "plain"))] = 4000
    faults = verdict(plan, good).faults
    assert len(faults) == 2
    assert any("is made of the bytes that were overwritten" in fault for fault in faults)
    assert any("is made of other bytes (it shows 4000" in fault for fault in faults)


def test_pictures_of_hostile_files_and_of_nothing_and_videos_that_are_gone_are_found(plan: Plan, good: Found) -> None:
    hostile = _key(plan, "hostile: script")
    good.pictures.update({picture_key(hostile): 1, "load/nobody.jpg": 2})
    good.videos.pop(_key(plan, "plain"))
    faults = "\n".join(verdict(plan, good).faults)
    assert f"{hostile} (hostile: script) ended in picture and rejected, not in rejected or skipped" in faults
    assert "load/nobody.jpg is a picture of nothing that was uploaded" in faults
    assert "is not in the bucket any more" in faults


def test_after_a_redrive_nothing_may_be_left_in_the_failure_queue(plan: Plan, good: Found) -> None:
    assert len(verdict(plan, good, redriven=True).faults) == 2


def _samples(rss: list[int], descriptors: list[int]) -> list[Sample]:
    return [Sample(n, 1, size * 2**20, 0, held, 0) for n, (size, held) in enumerate(zip(rss, descriptors, strict=True))]


def test_a_handler_that_grows_or_keeps_files_open_is_found(result: Result) -> None:
    growing = tuple(drifts(_samples(list(range(70, 90)), list(range(20)))))
    assert growing == (Drift(1, 75.5, 87.5, 0.0, 0.0, 5.5, 17.5, 19),)
    faults = dataclasses.replace(result, drifts=growing).faults
    assert [fault for fault in faults if "grew from 75.5 to 87.5 MiB" in fault]
    assert [fault for fault in faults if "open files" in fault]
    # 12 MiB in three fifths of as many invocations.
    alone = dataclasses.replace(result, drifts=growing, attempts=2048, environments=1)
    assert growth(alone) == pytest.approx(10)
    flat = tuple(drifts(_samples([120, *[72] * 19], [9, *[6] * 19])))
    assert not [fault for fault in dataclasses.replace(result, drifts=flat).faults if "handler 1 " in fault]
