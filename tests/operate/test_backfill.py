"""Some hundred objects that were there before the stack: each is worked on, and accounted for, once.

What the function does to videos other tests decide; here it is scripted, behind the real reader of events.
"""

import io
import os
import pty
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.stub import Stubber
from botocore.validate import ParamValidator

from model import MADE, REJECTED, SKIPPED, Outcome, Video
from operate.backfill import jobs, report, runner
from operate.backfill.estimate import JOB, Bounds, estimate, look
from operate.backfill.jobs import Place, Service, Wanted
from operate.listing import Listed
from operate.problem import OperateFailure
from operate.stack import Stack
from tests.operate.scripted import Function, makes, outcome
from tests.operate.scripted import Service as Scripted

COUNT = 300
AWKWARD = ["a b+c.mp4", "100%25.mp4", "häst/雪.mp4", 'it\'s "x", y.mp4', "two\nlines.mp4", "%2e.mp4", "=cmd.mp4"]


def test_each_object_is_worked_on_and_accounted_for_once_whatever_goes_wrong(scripted: Scripted) -> None:
    keys = [*AWKWARD, *(f"v/{number:03}.mp4" for number in range(COUNT - len(AWKWARD)))]
    scripted.put(*keys)

    def does(function: Function, video: Video) -> Outcome | Exception | int | bytes:
        number = keys.index(video.key)
        again = function.tries[video.key] > 1
        if number % 10 == 3:
            return outcome(video, REJECTED, "no container of a video")
        if number % 10 == 4:
            return outcome(video, SKIPPED, "sound alone")
        if number % 20 == 5 and not again:
            return OSError("SlowDown")
        if number % 20 == 15 and not again:
            return 500
        if number % 50 == 6 and not again:
            return b'{"results": []}'
        if number == 7:
            return OSError("SlowDown, for good")
        return outcome(video, MADE, "", "widths: 640 only") if number == 8 else makes(function, video)

    scripted.function.does = does
    done = scripted.run("backfill", "--yes")
    rows = scripted.rows(done.stdout)
    assert Counter(row["key"] for row in rows) == Counter(keys), "each once"
    outcomes = Counter(row["outcome"] for row in rows)
    assert outcomes == {"made": 239, "rejected": 30, "skipped": 30, "failed": 1}
    assert scripted.function.tries[keys[7]] == 3
    assert all(scripted.function.tries[key] == 1 for number, key in enumerate(keys) if number % 10 == 3)
    assert done.returncode == 1, "one object has no outcome"
    assert "300 of 300 objects have an answer" in done.stdout
    assert re.search(r"^made +239 +79\.7%$", done.stdout, re.MULTILINE)
    assert re.search(r"^ +30  rejected: no container of a video$", done.stdout, re.MULTILINE)
    assert re.search(r"^ +1  failed: SlowDown, for good$", done.stdout, re.MULTILINE)
    (noted,) = [row for row in rows if row["key"] == keys[8]]
    assert noted["what"] == "widths: 640 only"


def test_the_function_is_asked_as_batch_operations_ask(scripted: Scripted) -> None:
    scripted.put("a b+c.mp4")
    scripted.run("backfill", "--yes")
    (event,) = scripted.function.asked
    (task,) = event["tasks"]
    assert (event["invocationSchemaVersion"], event["job"]["userArguments"]) == ("2.0", None)
    assert (task["s3Key"], task["s3Bucket"], task["s3VersionId"]) == ("a+b%2Bc.mp4", scripted.bucket, None)
    assert {"invocationId", "job", "tasks"} <= event.keys()
    assert task["taskId"]
    assert event["job"]["id"]


def test_a_choice_for_all_of_them_is_passed_as_the_jobs_arguments(scripted: Scripted) -> None:
    scripted.put("a.mp4")
    scripted.run("backfill", "--yes", "--position", "25%", "--widths", "1280,640")
    (event,) = scripted.function.asked
    assert event["job"]["userArguments"] == {"position": "25%", "widths": "1280,640"}


def test_a_second_backfill_finds_everything_unchanged(scripted: Scripted) -> None:
    scripted.put("a.mp4", "b.mp4")
    scripted.run("backfill", "--yes")
    done = scripted.run("backfill", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert Counter(row["outcome"] for row in scripted.rows(done.stdout)) == {"unchanged": 2}


def test_the_cost_is_shown_and_without_a_yes_nothing_is_done(scripted: Scripted) -> None:
    scripted.put("a.mp4", "b.mp4", "c.jpg")
    done = scripted.run("backfill")
    assert done.returncode == 1
    assert re.search(r"^\*\.mp4 +2 +0\.25 +\d+ s +\d+ min$", done.stdout, re.MULTILINE)
    assert "nothing was done" in done.stdout
    assert scripted.function.asked == []


def test_a_dry_run_counts_by_listing_and_creates_nothing(scripted: Scripted) -> None:
    scripted.put("a.mp4", "b.mov", "in/c.mp4", "d.jpg")
    before = scripted.s3.list_objects_v2(Bucket=scripted.bucket)["KeyCount"]
    done = scripted.run("backfill", "--dry-run", "--suffix", ".mp4", "--suffix", ".mov")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\*\.mp4 +2 ", done.stdout, re.MULTILINE)
    assert re.search(r"^\*\.mov +1 ", done.stdout, re.MULTILINE)
    assert re.search(r"^all +3 ", done.stdout, re.MULTILINE)
    assert scripted.function.asked == []
    assert scripted.s3.list_objects_v2(Bucket=scripted.bucket)["KeyCount"] == before


def test_several_suffixes_and_prefixes_are_a_job_each(scripted: Scripted) -> None:
    scripted.put("in/a.mp4", "in/b.mov", "up/c.mp4", "d.mp4", "in/e.jpg")
    options = ("--suffix", ".mp4", "--suffix", ".mov", "--prefix", "in/", "--prefix", "up/", "--yes")
    done = scripted.run("backfill", *options)
    rows = scripted.rows(done.stdout)
    assert sorted(row["key"] for row in rows) == ["in/a.mp4", "in/b.mov", "up/c.mp4"]
    assert len({row["job"] for row in rows}) == 3
    assert "no object is as the filters want it" in done.stdout, "a job that has nothing to do says so"
    assert done.returncode == 0, done.stderr


def test_archived_objects_are_left_out_and_filters_say_which_others(scripted: Scripted) -> None:
    scripted.put("small.mp4")
    scripted.s3.put_object(Bucket=scripted.bucket, Key="large.mp4", Body=b"x" * 5000)
    scripted.put("archived.mp4", StorageClass="GLACIER")
    scripted.put("seldom.mp4", StorageClass="STANDARD_IA")
    done = scripted.run("backfill", "--yes", "--after", "2020-01-01")
    assert sorted(row["key"] for row in scripted.rows(done.stdout)) == ["large.mp4", "seldom.mp4", "small.mp4"]
    done = scripted.run("backfill", "--yes", "--smaller", "1KiB", "--storage-class", "STANDARD")
    assert [row["key"] for row in scripted.rows(done.stdout)] == ["small.mp4"]
    done = scripted.run("backfill", "--yes", "--before", "2020-01-01")
    assert (done.returncode, "no object is as the filters want it" in done.stdout) == (1, True)


NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ({}, True),
        ({"after": datetime(2026, 11, 22, tzinfo=UTC)}, True),
        ({"after": NOW}, False),
        ({"before": NOW}, False),
        ({"before": datetime(2026, 11, 24, tzinfo=UTC)}, True),
        ({"larger": 99}, True),
        ({"larger": 100}, False),
        ({"smaller": 100}, False),
        ({"smaller": 101}, True),
        ({"storage_classes": ["STANDARD_IA"]}, False),
    ],
)
def test_limits_are_exclusive(wanted: dict[str, Any], taken: bool) -> None:
    assert Wanted("b", **wanted).takes(Listed("k", 100, NOW, "STANDARD")) is taken


def test_a_list_of_keys_is_worked_on_and_no_others(scripted: Scripted) -> None:
    chosen = ["a b+c.mp4", "%2e.mp4", "no-video.txt"]
    scripted.put(*chosen, "other.mp4")
    done = scripted.run("backfill", "--yes", "--list", "-", input="\n".join([*chosen, chosen[0], ""]))
    assert sorted(row["key"] for row in scripted.rows(done.stdout)) == sorted(chosen)
    assert Counter(scripted.function.tries) == Counter(chosen), "one that is listed twice is worked on once"


def test_a_backfill_that_is_stopped_goes_on_later(scripted: Scripted) -> None:
    keys = [f"{number:03}.mp4" for number in range(120)]
    scripted.put(*keys)

    def slowly(function: Function, video: Video) -> Outcome:
        time.sleep(0.1)
        return makes(function, video)

    scripted.function.does = slowly
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = scripted.start("backfill", "--yes", **pipes)
    deadline = time.monotonic() + 60
    while len(scripted.function.made) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "`backfill --resume` goes on" in err
    stopped = scripted.rows(out)
    assert {row["key"] for row in stopped} == scripted.function.made, "what was done is in the report"
    assert 20 <= len(stopped) < 120
    scripted.function.does = makes
    done = scripted.run("backfill", "--resume", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert Counter(row["outcome"] for row in scripted.rows(done.stdout)) == {
        "unchanged": len(stopped),
        "made": 120 - len(stopped),
    }
    assert max(scripted.function.tries.values()) == 2
    done = scripted.run("backfill", "--resume")
    assert "nothing is to be resumed" in done.stdout


def test_a_report_can_be_had_again(scripted: Scripted) -> None:
    scripted.put("a.mp4")
    first = scripted.rows(scripted.run("backfill", "--yes").stdout)
    again = scripted.run("backfill", "--follow", "--csv", "again.csv")
    assert again.returncode == 0, again.stderr
    assert scripted.rows(again.stdout) == first


def test_a_function_that_may_not_be_called_ends_the_job_with_the_reason(scripted: Scripted) -> None:
    scripted.put("a.mp4")
    done = scripted.run("backfill", "--yes", "--function", "no-such-function")
    assert done.returncode == 1
    assert "no-such-function cannot be looked at: ResourceNotFoundException" in done.stderr
    assert done.stderr.count("\n") == 1


def test_on_a_terminal_a_person_is_asked_and_sees_how_far_it_is(scripted: Scripted) -> None:
    scripted.put(*(f"{number}.mp4" for number in range(30)))
    ours, theirs = pty.openpty()
    process = scripted.start("backfill", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"Start? [y/N]" not in shown:
        shown += os.read(ours, 1000)
    os.write(ours, b"y\n")
    try:
        while chunk := os.read(ours, 1000):
            shown += chunk
    except OSError:  # Linux says so at the end.
        pass
    assert process.wait(timeout=30) == 0
    os.close(ours)
    text = shown.decode()
    assert re.search(r"\[#*\.*\] objects \d+ of 30", text)
    assert "30 of 30 objects have an answer" in text


ARN = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:thumbnailer-1a2b"
ROLE = "arn:aws-us-gov:iam::123456789012:role/backfill"


def client(name: str) -> Any:
    session: Any = boto3.session.Session(region_name="us-gov-west-1")
    return session.client(name, aws_access_key_id="x", aws_secret_access_key="x")


def service(s3control: Any = None, **arguments: str) -> Service:
    return Service(s3control, "123456789012", ROLE, ARN, Place("reports", "backfill"), arguments)


def filled() -> dict[str, Any]:
    wanted = Wanted("videos", "in/", NOW, NOW, 1, 10, ["STANDARD"])
    return jobs.by_suffix(service(position="auto"), "20261123T080000Z", ".mp4", wanted)


def test_a_request_says_all_that_is_wanted() -> None:
    request = filled()
    assert request["Operation"]["LambdaInvoke"] == {
        "FunctionArn": ARN,
        "InvocationSchemaVersion": "2.0",
        "UserArguments": {"position": "auto"},
    }
    assert request["ManifestGenerator"]["S3JobManifestGenerator"] == {
        "SourceBucket": "arn:aws-us-gov:s3:::videos",
        "EnableManifestOutput": False,
        "Filter": {
            "KeyNameConstraint": {"MatchAnySuffix": [".mp4"], "MatchAnyPrefix": ["in/"]},
            "MatchAnyStorageClass": ["STANDARD"],
            "CreatedAfter": NOW,
            "CreatedBefore": NOW,
            "ObjectSizeGreaterThanBytes": 1,
            "ObjectSizeLessThanBytes": 10,
        },
    }
    assert request["Report"]["Bucket"] == "arn:aws-us-gov:s3:::reports"
    assert request["ConfirmationRequired"] is True
    assert request["RoleArn"] == ROLE
    assert request["Description"] == "video-thumbnailer backfill thumbnailer-1a2b 20261123T080000Z in/*.mp4"


def test_requests_are_such_as_botocores_model_of_the_service_takes() -> None:
    model = client("s3control").meta.service_model.operation_model("CreateJob").input_shape
    for request in (
        filled(),
        jobs.by_suffix(service(), "g", ".mp4", Wanted("videos")),
        jobs.by_list(service(), "g", "backfill/list-g.csv", "e" * 32),
    ):
        found = ParamValidator().validate({**request, "ClientRequestToken": "t"}, model)
        assert not found.has_errors(), found.generate_report()


def test_a_list_is_a_manifest_of_url_encoded_keys() -> None:
    assert jobs.manifest("b", ["a b+c/d.mp4", "1,2%.mp4"]) == b"b,a+b%2Bc/d.mp4\nb,1%2C2%25.mp4\n"


DESCRIBED = {
    "JobId": "job-1",
    "Status": "Failed",
    "Description": "video-thumbnailer backfill thumbnailer-1a2b 20261123T080000Z *.mp4",
    "ProgressSummary": {"TotalNumberOfTasks": 9, "NumberOfTasksSucceeded": 5, "NumberOfTasksFailed": 1},
    "FailureReasons": [{"FailureCode": "403", "FailureReason": "the role may not"}],
}


def test_a_job_is_created_again_as_it_was() -> None:
    s3control, request = client("s3control"), filled()
    names = ("Operation", "Report", "Priority", "RoleArn", "Description", "ManifestGenerator")
    described = {**DESCRIBED, **{name: request[name] for name in names}}
    with Stubber(s3control) as stub:
        stub.add_response("describe_job", {"Job": described}, {"AccountId": "123456789012", "JobId": "job-1"})
        job = jobs.look(service(s3control), "job-1")
    assert job.request == request
    assert (job.what, job.group, job.tasks, job.failed) == ("in/*.mp4", "20261123T080000Z", 9, 1)
    assert job.why == "403: the role may not"


def test_the_last_backfill_of_this_function_is_found_among_all_jobs() -> None:
    s3control = client("s3control")
    named = "video-thumbnailer backfill thumbnailer-1a2b"
    pages = [
        {
            "Jobs": [
                {"JobId": "job-x", "Description": "of others"},
                {"JobId": "job-a", "Description": f"{named} 2026A .mp4"},
            ]
        },
        {"Jobs": [{"JobId": "job-b", "Description": f"{named} 2026B .mp4"}, {"JobId": "job-y"}]},
        {"Jobs": [{"JobId": "job-c", "Description": f"{named}-other 2026C .mp4"}]},
    ]
    with Stubber(s3control) as stub:
        for number, page in enumerate(pages):
            token = {"NextToken": str(number + 1)} if number < 2 else {}
            asked = {"AccountId": "123456789012", **({"NextToken": str(number)} if number else {})}
            stub.add_response("list_jobs", {**page, **token}, asked)
        stub.add_response("describe_job", {"Job": {**DESCRIBED, "JobId": "job-b"}})
        assert [job.id for job in jobs.latest(service(s3control))] == ["job-b"]


def test_what_aws_refuses_is_one_line_and_names_where_the_rights_are() -> None:
    s3control = client("s3control")
    with Stubber(s3control) as stub:
        stub.add_client_error("create_job", "AccessDenied", "no s3:CreateJob")
        with pytest.raises(OperateFailure, match=r"cannot be created: AccessDenied: no s3:CreateJob; .*operations.md"):
            jobs.create(service(s3control), filled())


REPORT = (
    'b,image_17775,,succeeded,200,,"made: \'x\', ""y"""\n'
    "b,a+b%2Bc.mp4,v1,succeeded,200,,unchanged\n"
    "b,1.mp4,,failed,200,PermanentFailure,rejected: no container\n"
    "b,2.mp4,,failed,200,PermanentFailure,\n"
    "b,3.mp4,,failed,200,PermanentFailure,"
    '"Lambda returned function error: {""errorMessage"":""Task timed out after 3.00 seconds""}"\n'
    "b,4.mp4,,failed,200,TemporaryFailure,SlowDown\n"
)


def test_a_report_is_read_as_s3_writes_it() -> None:
    """The form of the lines is the S3 User Guide's ("Examples: S3 Batch Operations completion reports")."""
    rows = list(report.parsed(io.StringIO(REPORT, newline=""), "j"))
    assert [(row.key, row.outcome, row.what) for row in rows] == [
        ("image_17775", "made", "'x', \"y\""),
        ("a b+c.mp4", "unchanged", ""),
        ("1.mp4", "rejected", "no container"),
        ("2.mp4", "rejected", ""),
        ("3.mp4", "failed", 'Lambda returned function error: {"errorMessage":"Task timed out after 3.00 seconds"}'),
        ("4.mp4", "failed", "SlowDown"),
    ]


def test_a_report_of_another_form_is_no_crash() -> None:
    s3 = client("s3")
    for body in (b"no json", b"{}", b'{"Results": [5]}'):
        with Stubber(s3) as stub:
            stub.add_response("get_object", {"Body": io.BytesIO(body)})
            with pytest.raises(OperateFailure, match="is of another form"):
                list(report.rows(s3, "reports", "backfill", "j"))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"resultCode": "Succeeded", "resultString": "made"}, "Succeeded"),
        ({"resultCode": "PermanentFailure"}, "PermanentFailure"),
        ({"resultCode": "Done"}, "TemporaryFailure"),
        ({"taskId": "another", "resultCode": "Succeeded"}, "PermanentFailure"),
        ({"resultCode": "Succeeded", "resultString": 5}, "TemporaryFailure"),
    ],
)
def test_the_runner_takes_answers_as_s3_does(answer: dict[str, Any], code: str) -> None:
    event = {"invocationId": "i", "tasks": [{"taskId": "t"}]}
    whole = {"invocationSchemaVersion": "2.0", "invocationId": "i", "treatMissingKeysAs": "PermanentFailure"}
    assert runner.result({**whole, "results": [{"taskId": "t", **answer}]}, event)[0] == code
    assert runner.result({**whole, "invocationId": "j", "results": []}, event)[0] == "TemporaryFailure"
    others: list[Any] = [None, [], "text", {}, {**whole, "results": [5]}]
    for other in others:
        assert runner.result(other, event)[0] == "TemporaryFailure"


def test_a_job_most_of_whose_tasks_fail_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "JUDGED", 100)
    asked: list[str] = []

    def call(_: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
        asked.append(event["tasks"][0]["s3Key"])
        code = "Succeeded" if len(asked) % 2 and len(asked) < 100 else "PermanentFailure"
        results = [{"taskId": event["tasks"][0]["taskId"], "resultCode": code, "resultString": ""}]
        return {"invocationSchemaVersion": "2.0", "invocationId": event["invocationId"], "results": results}

    monkeypatch.setattr(runner, "call", call)

    written: dict[str, bytes] = {}

    class Bucket:
        def get_object(self, **_: Any) -> Any:
            body = jobs.manifest("b", [f"{number:03}.mp4" for number in range(200)])
            return {"Body": io.BytesIO(body)}

        def put_object(self, Key: str, Body: Any, **_: Any) -> None:
            written[Key] = Body if isinstance(Body, bytes) else Body.read()

    own = runner.Runner(client("s3control"), Bucket(), None, workers=1)
    id = own.create_job(**jobs.by_list(service(), "g", "list.csv", "e"))["JobId"]
    by = service(own)
    jobs.follow(by, [id], lambda job: job.status == "Suspended", lambda _: None, poll=0.01)
    jobs.ask(by, id, "Ready")
    (job,) = jobs.follow(by, [id], lambda _: False, lambda _: None, poll=0.01)
    assert (job.status, job.succeeded + job.failed) == ("Failed", 101)
    assert "more than 50%" in job.why
    lines = b"".join(body for key, body in written.items() if key.endswith(".csv"))
    assert lines.count(b"\n") == 101, "what was done is in the report"


def test_a_request_that_the_service_would_not_take_is_refused_here_too() -> None:
    own = runner.Runner(client("s3control"), None, None, workers=1)
    with pytest.raises(OperateFailure, match='Missing required parameter in input: "RoleArn"'):
        jobs.create(service(own), {name: value for name, value in filled().items() if name != "RoleArn"})


def test_the_estimate_is_bounded_by_what_the_function_may_run_at_once() -> None:
    bounds = Bounds(ARN, 1769, 900, 100)
    takes = estimate(10_000, bounds, 2.0)
    assert (takes.seconds, takes.longest) == (200, 90_000)
    # Batch Operations 0.01, invocations 0.002, 2 s of 1,769 MB 0.576, requests 0.062, log 0.0125; and the job.
    assert takes.dollars - JOB == pytest.approx(0.6625, abs=0.001)
    assert estimate(0, bounds, 2.0).seconds == 0


def test_the_functions_bounds_are_asked_of_lambda() -> None:
    lambdas = client("lambda")
    configuration = {"FunctionArn": ARN, "MemorySize": 1769, "Timeout": 900}
    for reserved, expected in (({"ReservedConcurrentExecutions": 7}, 7), ({}, 990)):
        with Stubber(lambdas) as stub:
            stub.add_response("get_function_configuration", configuration, {"FunctionName": "f"})
            stub.add_response("get_function_concurrency", reserved, {"FunctionName": "f"})
            if not reserved:
                stub.add_response("get_account_settings", {"AccountLimit": {"UnreservedConcurrentExecutions": 990}})
            assert look(lambdas, "f") == Bounds(ARN, 1769, 900, expected)


def test_endings_are_spelled_in_three_ways_where_capitals_do_not_count() -> None:
    outputs = '{"suffixes": [".mp4", ".mov"], "ignoreCase": true}'
    spelled = (".mp4", ".MP4", ".Mp4", ".mov", ".MOV", ".Mov")
    assert Stack({}, outputs, {}).spellings() == spelled
    assert Stack({}, outputs, {}).is_video("a.mP4")
    assert Stack({}, None, {}).spellings() == (".mp4",)
    assert not Stack({}, None, {}).is_video("a.MP4")


@pytest.mark.parametrize("uri", ["bucket/prefix", "s3://bucket", "s3://bucket/", "https://bucket/prefix", ""])
def test_a_place_for_reports_that_is_none_is_said(uri: str) -> None:
    with pytest.raises(OperateFailure, match="is not s3://BUCKET/PREFIX"):
        Place.of(uri)


class Remote:
    """The runner in the place of S3 Batch Operations, as a client of it looks: its jobs do not end with a command."""

    def __init__(self, runner: runner.Runner) -> None:
        self.meta = mock.Mock(endpoint_url="https://s3-control.us-east-1.amazonaws.com")
        self.create_job, self.describe_job = runner.create_job, runner.describe_job
        self.list_jobs, self.update_job_status = runner.list_jobs, runner.update_job_status


@pytest.fixture
def remote(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """Return a stack with the setting `backfill`, on an AWS that has S3 Batch Operations."""
    emulated = scripted.emulator.client
    own = Remote(runner.Runner(client("s3control"), scripted.s3, emulated("lambda"), 4))
    make = Stack.client

    def clients(self: Stack, name: str, **more: Any) -> Any:
        return own if name == "s3control" else make(self, name, **more)

    monkeypatch.setattr(Stack, "client", clients)
    monkeypatch.setattr(jobs, "POLL", 0.05)
    scripted.outputs = {"backfillRole": "arn:aws:iam::000000000000:role/backfill"}
    return scripted


def test_jobs_of_aws_are_created_by_the_stacks_role_and_followed_to_their_report(remote: Scripted) -> None:
    remote.put("a.mp4", "b.mp4")
    done = remote.run("backfill", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "has no S3 Batch Operations" not in done.stdout
    assert Counter(row["outcome"] for row in remote.rows(done.stdout)) == {"made": 2}


def test_without_the_role_it_says_which_setting_makes_it(remote: Scripted) -> None:
    remote.outputs = {}
    done = remote.run("backfill")
    assert done.returncode == 1
    assert "the role of S3 Batch Operations (setting `backfill`) is not given: use --role ARN" in done.stderr


def test_jobs_of_aws_go_on_when_the_command_is_stopped_and_are_followed_later(remote: Scripted) -> None:
    enough = interrupted_after_ten(remote)
    assert "still run" in remote.run("backfill", "--resume").stderr
    enough.set()
    done = remote.run("backfill", "--follow")
    assert len(remote.rows(done.stdout)) == 60
    assert done.returncode == 0, done.stderr


def test_jobs_of_aws_are_ended_by_stop(remote: Scripted) -> None:
    enough = interrupted_after_ten(remote)
    threading.Timer(2.0, enough.set).start()  # Tasks that are under way are finished.
    done = remote.run("backfill", "--stop")
    rows = remote.rows(done.stdout)
    assert 10 <= len(rows) < 60
    assert ".mp4: cancelled" in done.stdout
    assert {row["key"] for row in rows} == remote.function.made


def interrupted_after_ten(remote: Scripted) -> threading.Event:
    """Start a backfill of sixty objects and stop the command after ten; the others wait for the event."""
    remote.put(*(f"{number:03}.mp4" for number in range(60)))
    going, enough = threading.Event(), threading.Event()

    def waits(function: Function, video: Video) -> Outcome:
        if len(function.made) >= 10:
            going.set()
            enough.wait(60)
        return makes(function, video)

    def interrupt() -> None:
        going.wait(60)
        os.kill(os.getpid(), signal.SIGINT)

    remote.function.does = waits
    watcher = threading.Thread(target=interrupt)
    watcher.start()
    done = remote.run("backfill", "--yes")
    watcher.join()
    assert done.returncode == 1
    assert "the jobs go on in AWS: see `backfill --follow` and `backfill --stop`" in done.stderr
    return enough


def test_jobs_that_nobody_confirmed_are_ended(remote: Scripted) -> None:
    remote.put("a.mp4")
    assert remote.run("backfill").returncode == 1
    done = remote.run("backfill", "--follow")
    assert ".mp4: cancelled" in done.stdout
    assert remote.function.asked == []
