"""Orchestrations of the app run, and the Durable HTTP API starts, shows and manages them."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.functions_host.host_kit import APPS, Child, Orchestration, Start, wait_until

INSTANCES = "/runtime/webhooks/durabletask/instances"


@pytest.fixture(scope="module")
def host(start: Start, journal) -> Child:
    return start("--app", APPS / "durable", "--port", 0, HUB="reels", JOURNAL=str(journal))


def test_activities_timers_children_and_entities_work_together(host):
    done = host.orchestration("greet_all", ["ann", "bob"]).reach("Completed")
    assert done["output"]["greetings"] == ["HELLO ANN", "HELLO BOB"]
    assert (done["name"], done["input"]) == ("greet_all", ["ann", "bob"])
    again = host.orchestration("greet_all", ["cid"]).reach("Completed")
    assert again["output"]["total"] == done["output"]["total"] + 1


def test_what_goes_well_is_not_worth_a_line(host):
    before = host.log.read_text()
    host.orchestration("greet_all", ["ann"]).reach("Completed")
    assert host.log.read_text() == before


def test_the_app_starts_orchestrations_through_its_own_client_binding(host):
    urls = host.http.post("/api/start/greet_all", json=["ann"]).json()
    query = parse_qs(urlsplit(urls["statusQueryGetUri"]).query)
    assert query == {"taskHub": ["reels"], "connection": ["Storage"]}
    status = wait_until(lambda: (answer := host.http.get(urls["statusQueryGetUri"])).status_code == 200 and answer)
    assert status.json()["runtimeStatus"] == "Completed"


def test_the_trace_of_whoever_started_an_orchestration_reaches_its_activities(host):
    headers = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
    url = host.http.post("/api/start/show_trace", json=[], headers=headers).json()["statusQueryGetUri"]
    status = wait_until(lambda: (answer := host.http.get(url)).status_code == 200 and answer)
    assert status.json()["output"].split("-")[1] == "1" * 32


def test_a_name_is_found_whatever_its_case_and_an_unknown_one_refused(host):
    host.orchestration("GREET_ALL", ["ann"]).reach("Completed")
    answer = host.http.post("/runtime/webhooks/durabletask/orchestrators/none")
    assert (answer.status_code, answer.text) == (400, "the app has no orchestrator named 'none'")


def test_an_id_may_be_chosen_once(host):
    path = "/runtime/webhooks/durabletask/orchestrators/greet_all/chosen"
    assert [host.http.post(path, json=["ann"]).json()["id"], host.http.post(path, json=["ann"]).status_code] == [
        "chosen",
        409,
    ]


def test_a_failed_activity_keeps_its_type_and_the_first_line_of_its_message(host):
    orchestration = host.orchestration("failing")
    output = orchestration.reach("Failed")["output"]
    assert output.endswith("failed: first line")
    history = orchestration.get(showHistory="true").json()["historyEvents"]
    failure = next(event["FailureDetails"] for event in history if event["EventType"] == "TaskFailed")
    assert (failure["ErrorType"], failure["ErrorMessage"]) == ("LookupError", "first line")
    assert 'raise LookupError("first line' in failure["StackTrace"]
    assert orchestration.get(returnInternalServerErrorOnFailure="true").status_code == 500


def test_an_activity_that_the_app_lacks_fails_its_orchestration(host):
    output = host.orchestration("calls_nobody").reach("Failed")["output"]
    assert "the app has no function named 'nobody' with an activityTrigger" in output


def test_a_running_orchestration_is_a_202_that_says_where_to_ask_again(host):
    orchestration = host.orchestration("wait_for_approval")
    assert orchestration.reach("Running")["customStatus"] == "waiting"
    running = orchestration.get()
    assert running.status_code == 202
    assert orchestration.id in running.headers["location"]
    assert orchestration.post("raiseEvent/approval", json={"by": "ann"}) == 202
    assert orchestration.reach("Completed")["output"] == {"answer": {"by": "ann"}}


def test_terminate(host):
    orchestration = host.orchestration("wait_for_approval")
    assert orchestration.post("terminate", params={"reason": "enough"}) == 202
    assert orchestration.reach("Terminated")["output"] == "enough"


def test_suspend_holds_events_until_resume(host):
    orchestration = host.orchestration("wait_for_approval")
    orchestration.reach("Running")
    assert orchestration.post("suspend", params={"reason": "lunch"}) == 202
    orchestration.reach("Suspended")
    assert orchestration.post("raiseEvent/approval", json=1) == 202
    assert orchestration.get().json()["runtimeStatus"] == "Suspended"
    assert orchestration.post("resume") == 202
    assert orchestration.reach("Completed")["output"] == {"answer": 1}


def test_rewind_runs_again_only_what_failed(host, tmp_path):
    flag = tmp_path / "flag"
    orchestration = host.orchestration("recoverable", str(flag))
    orchestration.reach("Failed")
    flag.write_text("mended")
    assert orchestration.post("rewind", params={"reason": "mended"}) == 202
    assert orchestration.reach("Completed")["output"] == "mended"


def test_restart_runs_the_same_input_again(host):
    first = host.orchestration("shout_all", ["hey"])
    first.reach("Completed")
    answer = host.http.post(f"{INSTANCES}/{first.id}/restart")
    assert answer.status_code == 202
    second = Orchestration(host.http, answer.json()["id"])
    assert second.id != first.id
    assert second.reach("Completed")["output"] == ["HEY"]


def test_purge_takes_what_has_ended(host):
    orchestration = host.orchestration("shout_all", ["hey"])
    orchestration.reach("Completed")
    assert orchestration.purge().json() == {"instancesDeleted": 1}
    assert [orchestration.get().status_code, orchestration.purge().status_code] == [404, 404]


@pytest.mark.parametrize("action", ["raiseEvent/approval", "terminate", "suspend", "resume", "rewind"])
def test_what_has_ended_is_gone_and_what_never_was_is_not_found(host, action):
    ended = host.orchestration("shout_all", ["hey"])
    ended.reach("Completed")
    never = Orchestration(host.http, "never")
    assert [ended.post(action), never.post(action)] == [410, 404]


def test_an_event_that_is_no_json_is_refused(host):
    orchestration = host.orchestration("wait_for_approval")
    assert orchestration.post("raiseEvent/approval", content=b"{half") == 400
    orchestration.post("terminate")


def test_list_filters_and_pages(host):
    ids = {f"page-{number}" for number in range(5)}
    for instance_id in ids:
        host.http.post(f"/runtime/webhooks/durabletask/orchestrators/shout_all/{instance_id}", json=["hey"])
        Orchestration(host.http, instance_id).reach("Completed")
    query = {"instanceIdPrefix": "page-", "top": "2", "runtimeStatus": "Completed,Failed", "showInput": "false"}
    listed, token = list[dict](), ""
    while True:
        page = host.http.get(INSTANCES, params=query, headers={"x-ms-continuation-token": token})
        listed += page.json()
        token = page.headers["x-ms-continuation-token"]
        if not token:
            break
        assert len(page.json()) == 2
    assert sorted(each["instanceId"] for each in listed) == sorted(ids)
    assert {each["input"] for each in listed} == {None}


def test_list_and_purge_by_time(host):
    host.orchestration("shout_all", ["hey"]).reach("Completed")
    later = datetime.now(UTC).isoformat()
    assert host.http.get(INSTANCES, params={"createdTimeFrom": later}).json() == []
    assert host.http.delete(INSTANCES, params={"createdTimeFrom": later}).status_code == 404
    purged = host.http.delete(INSTANCES, params={"createdTimeTo": later, "runtimeStatus": "Completed"}).json()
    assert purged["instancesDeleted"] >= 1


@pytest.mark.parametrize("query", [{"runtimeStatus": "Sleeping"}, {"createdTimeFrom": "soon"}, {"top": "many"}])
def test_a_filter_that_cannot_be_read_is_refused(host, query):
    assert host.http.get(INSTANCES, params=query).status_code == 400
