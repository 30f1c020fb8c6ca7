"""Thumbnails are made anew, of one video, a list or a prefix: through the function, or by events on a bus."""

import json
import signal
import subprocess
import threading
import time
from typing import Any

import pytest

from model import MADE, REJECTED, File, Outcome
from operate.__main__ import main
from service import events
from tests.operate.scripted import Service, outcome


def test_each_video_is_asked_for_with_the_choice_and_its_outcome_is_shown(scripted: Service) -> None:
    files = (
        File("poster", "a b+c.jpg", "image/jpeg", 640, 360, 1000, 12.5),
        File("poster", "a b+c.320w.jpg", "image/jpeg", 320, 180, 500, 12.5),
    )
    manifest = (File("manifest", "a b+c.thumbnails.json", "application/json", None, None, 900, 0.0),)
    scripted.function.does = lambda _, video: Outcome(
        video.bucket, video.key, MADE, images=files, texts=manifest, notes=("a note",)
    )
    done = scripted.run("retake", "a b+c.mp4", "--position", "1:30", "--widths", "1280,640")
    assert done.returncode == 0, done.stderr
    (task,) = scripted.function.tasks
    assert (task.video.bucket, task.video.key) == (scripted.bucket, "a b+c.mp4")
    assert task.retake == {"thumbnail-position": "90", "thumbnail-widths": "1280,640"}
    assert "a b+c.mp4  made     a note; a b+c.jpg; a b+c.320w.jpg; a b+c.thumbnails.json" in done.stdout


def test_without_a_choice_an_earlier_one_is_taken_back(scripted: Service) -> None:
    scripted.run("retake", "a.mp4")
    (task,) = scripted.function.tasks
    assert task.retake == {}


def test_what_is_rejected_or_fails_shows_in_the_status_and_is_in_the_order_asked(scripted: Service) -> None:
    def does(_: Any, video: Any) -> Outcome | Exception:
        return OSError("SlowDown") if video.key == "c.mp4" else outcome(video, REJECTED, "no such object")

    scripted.function.does = does
    done = scripted.run("retake", "b.mp4", "c.mp4", "a.mp4")
    assert done.returncode == 1
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()[1:4]]
    assert lines[0] == ["b.mp4", "rejected", "no such object"]
    assert lines[1][:2] == ["c.mp4", "failed"]
    assert "SlowDown" in lines[1][2]
    assert lines[2] == ["a.mp4", "rejected", "no such object"]


def test_a_prefix_is_listed_and_asked_about_and_only_videos_of_it_are_taken(scripted: Service) -> None:
    scripted.put("in/a.mp4", "in/b.MP4", "in/c.jpg", "d.mp4")
    done = scripted.run("retake", "--prefix", "in/")
    assert (done.returncode, scripted.function.asked) == (1, [])
    assert "of 1 videos anew, such as in/a.mp4?" in done.stderr
    scripted.outputs = {"suffixes": [".mp4"], "ignoreCase": True}
    done = scripted.run("retake", "--prefix", "in/", "--yes")
    assert done.returncode == 0, done.stderr
    assert sorted(scripted.function.tries) == ["in/a.mp4", "in/b.MP4"]


def test_a_list_names_keys_as_they_are(scripted: Service) -> None:
    scripted.run("retake", "--list", "-", "--position", "auto", input="a b.mp4\r\n%2e.mp4\n\n")
    assert sorted(scripted.function.tries) == ["%2e.mp4", "a b.mp4"]


def test_events_can_be_left_to_lambda(scripted: Service) -> None:
    done = scripted.run("retake", "a.mp4", "--no-wait")
    assert done.returncode == 0
    assert f"sent     to {scripted.registered.function.name}" in done.stdout


def test_events_on_a_bus_are_of_the_form_that_the_function_reads(scripted: Service) -> None:
    client = scripted.emulator.client
    client("events").create_event_bus(Name="announcements")
    queue = client("sqs").create_queue(QueueName="heard")["QueueUrl"]
    pattern = {"source": [events.SOURCE], "detail-type": [events.RETAKE]}
    client("events").put_rule(Name="all", EventBusName="announcements", EventPattern=json.dumps(pattern))
    arn = "arn:aws:sqs:us-east-1:000000000000:heard"
    client("events").put_targets(Rule="all", EventBusName="announcements", Targets=[{"Id": "q", "Arn": arn}])
    keys = [f"{number}.mp4" for number in range(12)]
    done = scripted.run("retake", *keys, "--position", "25%", "--bus", "announcements")
    assert done.returncode == 0, done.stderr
    assert "12 sent" in done.stdout
    received: list[Any] = []
    while len(received) < 12:
        answer = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        assert answer.get("Messages"), f"only {len(received)} events came"
        received += [json.loads(message["Body"]) for message in answer["Messages"]]
    tasks = [task for event in received for task in events.read(event).tasks]
    assert sorted(task.video.key for task in tasks) == sorted(keys)
    assert all(task.retake == {"thumbnail-position": "25%"} for task in tasks)


def test_the_first_interruption_waits_for_the_answer_and_the_second_does_not(scripted: Service) -> None:
    def waits(_: Any, video: Any) -> Outcome:
        called.set()
        answered.wait(60)
        return outcome(video, MADE)

    scripted.function.does = waits
    for second in (False, True):
        called, answered = threading.Event(), threading.Event()
        process = scripted.start("retake", "a.mp4", "b.mp4", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert called.wait(30)
        process.send_signal(signal.SIGINT)
        if second:
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
        else:
            threading.Timer(0.5, answered.set).start()
        out, err = process.communicate(timeout=30)
        answered.set()
        assert process.returncode == 1
        assert "operate: interrupted" in err
        assert ("made" in out) is not second


def test_without_videos_it_says_how_to_name_some(scripted: Service) -> None:
    done = scripted.run("retake")
    assert done.returncode == 1
    assert "which videos is not said: name KEYs, --prefix or --list" in done.stderr


@pytest.mark.parametrize(
    "options", [("--position", "later"), ("--position", "1:75"), ("--widths", "a"), ("--widths", "1,,2")]
)
def test_a_choice_that_is_none_is_refused_before_anything_is_sent(options: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["retake", "a.mp4", *options])
    assert ended.value.code == 2
