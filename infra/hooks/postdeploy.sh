#!/bin/sh
# Subscribes the two functions that take events. Event Grid wants them to exist, so this comes after the app.
# Everything read here is in azd's environment; postdeploy.ps1 does the same.
set -eu

exists() {
    az functionapp function show --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$AZURE_RESOURCE_GROUP" \
        --name "$AZURE_FUNCTION_APP_NAME" --function-name "$1" --output none
}

az account show --subscription "$AZURE_SUBSCRIPTION_ID" --output none # says so if nobody is logged in

for function in on_video_requested on_blob_created; do
    looks=0
    until exists "$function"; do
        looks=$((looks + 1))
        if [ "$looks" -eq 30 ]; then
            echo "The function $function is not there yet. Later, run: azd hooks run postdeploy" >&2
            exit 1
        fi
        sleep 10
    done
done

az deployment group create --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$AZURE_RESOURCE_GROUP" \
    --name event-subscriptions --template-file infra/event-subscriptions.bicep --output none \
    --parameters functionAppName="$AZURE_FUNCTION_APP_NAME" requestsTopicName="$AZURE_REQUESTS_TOPIC_NAME" \
    storageTopicName="$AZURE_STORAGE_TOPIC_NAME" storageAccountName="$AZURE_STORAGE_ACCOUNT_NAME" \
    eventsIdentityId="$AZURE_EVENTS_IDENTITY_ID"
