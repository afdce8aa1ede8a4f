"""Events reach the functions that take them, and what cannot be delivered is kept."""

import re
from pathlib import Path

from domain.inbox import INBOX
from event_sources.video_requests import VIDEO_REQUESTED
from tests.unit.infra.deployment import Deployment, Resource, deploy
from tests.unit.infra.scenarios import deployed
from tests.unit.infra.template import INFRA, read

FUNCTION_APP = (Path(__file__).parents[3] / "function_app.py").read_text()
TAKING_EVENTS = set(re.findall(r'function_name\("(\w+)"\)\n@app\.event_grid_trigger', FUNCTION_APP))
ON_REQUESTS = "Microsoft.EventGrid/topics/eventSubscriptions"
ON_FILES = "Microsoft.EventGrid/systemTopics/eventSubscriptions"


def subscriptions() -> Deployment:
    outputs = deployed("as it comes").outputs
    return deploy(
        "event-subscriptions.bicep",
        functionAppName=outputs["AZURE_FUNCTION_APP_NAME"],
        requestsTopicName=outputs["AZURE_REQUESTS_TOPIC_NAME"],
        storageTopicName=outputs["AZURE_STORAGE_TOPIC_NAME"],
        storageAccountName=outputs["AZURE_STORAGE_ACCOUNT_NAME"],
        eventsIdentityId=outputs["AZURE_EVENTS_IDENTITY_ID"],
    )


def made() -> list[Resource]:
    return subscriptions().made()


def test_all_that_it_needs_is_told_by_the_deployment() -> None:
    parameters = {each.name for each in read(INFRA / "event-subscriptions.bicep").of("param")}
    assert len(parameters) == 5
    there = {resource.id for resource in deployed("as it comes").resources}
    assert {resource.id for resource in subscriptions().resources if resource.is_existing} <= there


def test_every_function_that_takes_events_gets_them() -> None:
    app = deployed("as it comes").one("Microsoft.Web/sites").id
    targets = {each.given["destination"]["properties"]["resourceId"] for each in made()}
    assert targets == {f"{app}/functions/{name}" for name in TAKING_EVENTS}


def test_requests_for_videos_are_told_from_other_events() -> None:
    assert subscriptions().one(ON_REQUESTS).given["filter"] == {"includedEventTypes": [VIDEO_REQUESTED]}


def test_files_are_those_of_the_content_account(deployment: Deployment) -> None:
    account = deployment.outputs["AZURE_STORAGE_ACCOUNT_NAME"]
    (content,) = [each for each in deployment.made("Microsoft.Storage/storageAccounts") if each.name == account]
    heard = deployment.one("Microsoft.EventGrid/systemTopics").given
    assert heard == {"source": content.id, "topicType": "Microsoft.Storage.StorageAccounts"}


def test_files_are_heard_of_in_the_inbox_alone() -> None:
    heard = subscriptions().one(ON_FILES).given["filter"]
    assert heard == {
        "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
        "subjectBeginsWith": f"/blobServices/default/containers/requests/blobs/{INBOX}/",
    }


def test_what_cannot_be_delivered_within_a_day_is_written_down_by_an_identity_that_may() -> None:
    deployment = deployed("as it comes")
    account = deployment.outputs["AZURE_STORAGE_ACCOUNT_NAME"]
    containers = {each.name for each in deployment.made("Microsoft.Storage/storageAccounts/blobServices/containers")}
    for subscription in made():
        assert subscription.given["retryPolicy"] == {"eventTimeToLiveInMinutes": 24 * 60, "maxDeliveryAttempts": 30}
        dead_letters = subscription.given["deadLetterWithResourceIdentity"]
        place = dead_letters["deadLetterDestination"]["properties"]
        assert place["resourceId"].endswith(f"/{account}")
        assert f"{account}/default/{place['blobContainerName']}" in containers
        assert dead_letters["identity"]["type"] == "UserAssigned"
        writer = dead_letters["identity"]["userAssignedIdentity"]
        topic = subscription.body["parent"].name
        (hearing,) = [each for each in deployment.made() if each.name == topic]
        assert hearing.body["identity"]["userAssignedIdentities"].keys() == {writer}


def test_whoever_may_ask_for_videos_cannot_tell_of_videos() -> None:
    outputs = deployed("as it comes").outputs
    assert outputs["AZURE_EVENTS_TOPIC_NAME"] != outputs["AZURE_REQUESTS_TOPIC_NAME"]
    assert {each.body["parent"].name for each in made()} == {
        outputs["AZURE_REQUESTS_TOPIC_NAME"],
        outputs["AZURE_STORAGE_TOPIC_NAME"],
    }


def test_topics_and_events_are_cloud_events(deployment: Deployment) -> None:
    topics = deployment.made("Microsoft.EventGrid/topics")
    assert {topic.given["inputSchema"] for topic in topics} == {"CloudEventSchemaV1_0"}
    assert {each.given["eventDeliverySchema"] for each in made()} == {"CloudEventSchemaV1_0"}
