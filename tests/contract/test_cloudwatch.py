"""Metrics, alarms and dashboards: the AWS CLI and boto3 judge a running server."""

import json
import re
import subprocess
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from running import ACCOUNT, BIN, Running, running, wait_for

from opentrail.alarms.metric_math.functions import FUNCTIONS

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300)]


def alarm(client: Any, name: str) -> dict[str, Any]:
    answer = client.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    (found,) = answer["MetricAlarms"] + answer["CompositeAlarms"]
    return dict(found)


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "alarms.md"


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    first, second = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    maintenance = "aws cloudwatch put-composite-alarm --alarm-name maintenance --alarm-rule FALSE\n"
    with running(tmp_path / "data") as server:
        environment = server.environment()
        environment["PATH"] = f"{BIN}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", first + maintenance + second], env=environment,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        client = server.client("cloudwatch")
        wait_for(lambda: alarm(client, "audit")["StateValue"] == "ALARM")

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"failed-sign-ins"' in done.stdout


def test_the_page_names_the_functions_there_are() -> None:
    listed = re.search(r"the functions\n`([A-Z0-9_ \n]+)`", PAGE.read_text())
    assert listed is not None
    assert listed[1].split() == sorted(FUNCTIONS)


def cli(server: Running, *words: str, expected: int = 0) -> Any:
    done = server.run("aws", "cloudwatch", *words, check=False)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stderr if expected else json.loads(done.stdout or "{}")


def test_the_cli_puts_reads_sets_and_deletes(server: Running) -> None:
    topic = server.client("sns").create_topic(Name="cli")["TopicArn"]
    cli(server, "put-metric-alarm", "--alarm-name", "cli", "--namespace", "Cli", "--metric-name", "m", "--statistic", "Average",
        "--period", "60", "--evaluation-periods", "2", "--threshold", "5", "--comparison-operator", "GreaterThanThreshold",
        "--dimensions", "Name=a,Value=b", "--alarm-actions", topic, "--treat-missing-data", "ignore", "--tags", "Key=k,Value=v")  # fmt: skip
    cli(
        server,
        "put-metric-data",
        "--namespace",
        "Cli",
        "--metric-name",
        "m",
        "--value",
        "3",
        "--dimensions",
        "a=b",
        "--unit",
        "Count",
    )
    cli(server, "put-metric-data", "--namespace", "Cli", "--metric-data",
        '[{"MetricName":"m","Dimensions":[{"Name":"a","Value":"b"}],"Values":[1,2],"Counts":[3,4],"Unit":"Count"}]')  # fmt: skip
    now = time.time()
    statistics = cli(server, "get-metric-statistics", "--namespace", "Cli", "--metric-name", "m", "--dimensions", "Name=a,Value=b",
                     "--start-time", str(int(now - 300)), "--end-time", str(int(now + 120)), "--period", "3600", "--statistics", "Sum",
                     "SampleCount", "--unit", "Count")  # fmt: skip
    data = cli(server, "get-metric-data", "--start-time", str(int(now - 300)), "--end-time", str(int(now + 120)), "--metric-data-queries", json.dumps([
        {"Id": "m1", "MetricStat": {"Metric": {"Namespace": "Cli", "MetricName": "m", "Dimensions": [{"Name": "a", "Value": "b"}]},
                                    "Period": 3600, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 2", "Label": "twice"},
    ]))  # fmt: skip
    listed = cli(server, "list-metrics", "--namespace", "Cli")
    cli(
        server,
        "set-alarm-state",
        "--alarm-name",
        "cli",
        "--state-value",
        "ALARM",
        "--state-reason",
        "by hand",
    )
    shown = cli(server, "describe-alarms", "--alarm-names", "cli")["MetricAlarms"][0]
    history = cli(server, "describe-alarm-history", "--alarm-name", "cli")["AlarmHistoryItems"]
    problem = cli(
        server,
        "set-alarm-state",
        "--alarm-name",
        "nope",
        "--state-value",
        "OK",
        "--state-reason",
        "",
        expected=255,
    )
    wrong = cli(
        server,
        "put-dashboard",
        "--dashboard-name",
        "cli",
        "--dashboard-body",
        '{"widgets":[{"type":"x"}]}',
        expected=255,
    )
    cli(server, "put-dashboard", "--dashboard-name", "cli", "--dashboard-body", '{"widgets":[]}')
    boards = cli(server, "list-dashboards", "--dashboard-name-prefix", "cl")["DashboardEntries"]
    cli(server, "delete-dashboards", "--dashboard-names", "cli")
    cli(server, "disable-alarm-actions", "--alarm-names", "cli")
    cli(server, "delete-alarms", "--alarm-names", "cli")

    assert [(one["Sum"], one["SampleCount"]) for one in statistics["Datapoints"]] == [(14.0, 8.0)]
    (result,) = data["MetricDataResults"]
    assert (result["Label"], result["Values"]) == ("twice", [28.0])
    assert listed["Metrics"] == [
        {"Namespace": "Cli", "MetricName": "m", "Dimensions": [{"Name": "a", "Value": "b"}]}
    ]
    assert (shown["StateValue"], shown["StateReason"], shown["TreatMissingData"]) == (
        "ALARM",
        "by hand",
        "ignore",
    )
    assert {one["HistoryItemType"] for one in history} == {
        "ConfigurationUpdate",
        "StateUpdate",
        "Action",
    }
    assert "(ResourceNotFound)" in problem
    assert "(InvalidParameterInput)" in wrong
    assert "there are 2 validation errors" in wrong
    assert [(one["DashboardName"], one["Size"]) for one in boards] == [("cli", 14)]


def test_calls_about_metrics_are_data_events(server: Running) -> None:
    client = server.client("cloudwatch")
    client.put_metric_data(Namespace="Data", MetricData=[{"MetricName": "m", "Value": 1.0}])
    client.list_metrics(Namespace="Data")
    client.describe_alarms(AlarmNamePrefix="data")

    records = [one for one in server.records() if one["eventSource"] == "monitoring.amazonaws.com"]
    last = {one["eventName"]: one for one in records}
    assert last["PutMetricData"]["eventCategory"] == "Data"
    assert last["PutMetricData"]["resources"][0]["type"] == "AWS::CloudWatch::Metric"
    assert last["PutMetricData"]["requestParameters"]["namespace"] == "Data"
    assert last["ListMetrics"]["eventCategory"] == "Data"
    assert last["DescribeAlarms"]["eventCategory"] == "Management"


class Hook:
    """A webhook that keeps what it gets."""

    def __init__(self) -> None:
        got: list[tuple[float, dict[str, str], bytes]] = []
        self.got = got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((time.time(), dict(self.headers), body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/alarm"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.got]


@pytest.fixture
def hook() -> Any:
    made = Hook()
    yield made
    made.close()


def counting(hook: Hook, **changed: Any) -> dict[str, Any]:
    return {
        "AlarmName": "counts", "Namespace": "Told", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching", "AlarmActions": [hook.url],
    } | changed  # fmt: skip


def test_an_alarm_reaches_a_webhook_and_a_rule_of_the_bus(tmp_path: Path, hook: Hook) -> None:
    with running(tmp_path / "data", OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8") as server:
        client, events, logs = (server.client(one) for one in ("cloudwatch", "events", "logs"))
        logs.create_log_group(logGroupName="told")
        pattern = {"source": ["aws.cloudwatch"], "detail": {"state": {"value": ["ALARM"]}}}
        events.put_rule(Name="alarms", EventPattern=json.dumps(pattern))
        group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:told"
        events.put_targets(Rule="alarms", Targets=[{"Id": "1", "Arn": group}])
        client.put_metric_alarm(**counting(hook))
        wait_for(lambda: alarm(client, "counts")["StateValue"] == "OK")

        client.put_metric_data(Namespace="Told", MetricData=[{"MetricName": "m", "Value": 2.0}])
        put = time.time()
        wait_for(lambda: hook.got)
        (told,) = wait_for(lambda: logs.filter_log_events(logGroupName="told")["events"])
        wait_for(
            lambda: client.describe_alarm_history(HistoryItemType="Action")["AlarmHistoryItems"]
        )

    (message,) = hook.messages()
    assert (message["AlarmName"], message["NewStateValue"], message["OldStateValue"]) == (
        "counts",
        "ALARM",
        "OK",
    )
    assert hook.got[0][0] - put < 3
    event = json.loads(told["message"])
    assert (event["detail-type"], event["detail"]["alarmName"]) == (
        "CloudWatch Alarm State Change",
        "counts",
    )


def test_nothing_is_lost_or_told_twice_over_a_kill(tmp_path: Path, hook: Hook) -> None:
    with running(tmp_path / "data", OPENTRAIL_TARGET_NETWORKS="127.0.0.0/8") as server:
        client = server.client("cloudwatch")
        for number in range(30):
            client.put_metric_alarm(
                **counting(
                    hook, AlarmName=f"a{number}", Dimensions=[{"Name": "n", "Value": str(number)}]
                )
            )
        wait_for(lambda: len(client.describe_alarms(StateValue="OK")["MetricAlarms"]) == 30)
        for round_ in range(3):
            client.put_metric_data(Namespace="Told", MetricData=[
                {"MetricName": "m", "Value": 1.0, "Dimensions": [{"Name": "n", "Value": str(number)}]}
                for number in range(round_ * 10, round_ * 10 + 10)
            ])  # fmt: skip
            time.sleep(0.15)
            server.kill()
            server.start()
            client = server.client("cloudwatch")
        wait_for(lambda: len(client.describe_alarms(StateValue="ALARM")["MetricAlarms"]) == 30)
        wait_for(lambda: len({one["AlarmName"] for one in hook.messages()}) == 30)
        pages = client.get_paginator("describe_alarm_history").paginate(
            HistoryItemType="StateUpdate"
        )
        changes = [
            one["AlarmName"]
            for page in pages
            for one in page["AlarmHistoryItems"]
            if "to ALARM" in one["HistorySummary"]
        ]

    assert sorted(changes) == sorted(f"a{number}" for number in range(30))
    keys = {(one["AlarmName"], one["StateChangeTime"]) for one in hook.messages()}
    assert len(keys) == 30
