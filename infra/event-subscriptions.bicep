// Who listens to what. Deployed after the app, since a subscription takes a function that exists.

import { undeliveredContainer } from 'modules/shared.bicep'

@description('The function app.')
param functionAppName string

@description('The topic that takes requests for videos.')
param requestsTopicName string

@description('The system topic of the content account.')
param storageTopicName string

@description('The content account, where undelivered events are written down.')
param storageAccountName string

@description('The id of the identity that writes them.')
param eventsIdentityId string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionAppName
}

resource storage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: storageAccountName
}

resource requests 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: requestsTopicName
}

resource files 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: storageTopicName
}

var patience = {
  eventTimeToLiveInMinutes: 1440
  maxDeliveryAttempts: 30
}
var undelivered = {
  identity: { type: 'UserAssigned', userAssignedIdentity: eventsIdentityId }
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties: { resourceId: storage.id, blobContainerName: undeliveredContainer }
  }
}

resource onVideoRequested 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: requests
  name: 'on-video-requested'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: { resourceId: '${app.id}/functions/on_video_requested' }
    }
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: { includedEventTypes: ['Reelay.VideoRequested'] }
    retryPolicy: patience
    deadLetterWithResourceIdentity: undelivered
  }
}

resource onBlobCreated 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: files
  name: 'on-blob-created'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: { resourceId: '${app.id}/functions/on_blob_created' }
    }
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectBeginsWith: '/blobServices/default/containers/requests/blobs/inbox/'
    }
    retryPolicy: patience
    deadLetterWithResourceIdentity: undelivered
  }
}
