# Subscribes the two functions that take events. Event Grid wants them to exist, so this comes after the app.
# Everything read here is in azd's environment; postdeploy.sh does the same.
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false

function Assert-Success {
    if ($LASTEXITCODE -ne 0) {
        exit $LASTEXITCODE
    }
}

function Test-Exists([string] $Function) {
    az functionapp function show --subscription "$env:AZURE_SUBSCRIPTION_ID" --resource-group "$env:AZURE_RESOURCE_GROUP" `
        --name "$env:AZURE_FUNCTION_APP_NAME" --function-name "$Function" --output none
    return $LASTEXITCODE -eq 0
}

az account show --subscription "$env:AZURE_SUBSCRIPTION_ID" --output none # says so if nobody is logged in
Assert-Success

foreach ($function in 'on_video_requested', 'on_blob_created') {
    $looks = 0
    while (-not (Test-Exists $function)) {
        $looks += 1
        if ($looks -eq 30) {
            throw "The function $function is not there yet. Later, run: azd hooks run postdeploy"
        }
        Start-Sleep -Seconds 10
    }
}

az deployment group create --subscription "$env:AZURE_SUBSCRIPTION_ID" --resource-group "$env:AZURE_RESOURCE_GROUP" `
    --name event-subscriptions --template-file infra/event-subscriptions.bicep --output none `
    --parameters functionAppName="$env:AZURE_FUNCTION_APP_NAME" requestsTopicName="$env:AZURE_REQUESTS_TOPIC_NAME" `
    storageTopicName="$env:AZURE_STORAGE_TOPIC_NAME" storageAccountName="$env:AZURE_STORAGE_ACCOUNT_NAME" `
    eventsIdentityId="$env:AZURE_EVENTS_IDENTITY_ID"
Assert-Success
