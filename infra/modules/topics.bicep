// Three topics, so that whoever may ask for videos cannot tell of videos: what happens to videos, requests for videos,
// and the files of the content account. Who listens is in event-subscriptions.bicep, for that takes functions that exist.

@description('Ends every name.')
param token string

@description('Region; the content account\'s, too.')
param location string

@description('Tags.')
param tags object

@description('The content account\'s id.')
param storageId string

@description('The identity that writes down what could not be delivered.')
param identityId string

var identity = {
  type: 'UserAssigned'
  userAssignedIdentities: { '${identityId}': {} }
}

resource events 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: 'evgt-events-${token}'
  location: location
  tags: tags
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
  }
}

resource requests 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: 'evgt-requests-${token}'
  location: location
  tags: tags
  identity: identity
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
  }
}

resource files 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgst-files-${token}'
  location: location
  tags: tags
  identity: identity
  properties: {
    source: storageId
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

@description('The id of the topic that hears of every video.')
output eventsId string = events.id

@description('Its name.')
output eventsName string = events.name

@description('Where events are published to it.')
output eventsEndpoint string = events.properties.endpoint

@description('The topic that takes requests for videos.')
output requestsName string = requests.name

@description('The system topic of the content account.')
output filesName string = files.name

@description('Both topics that functions listen to.')
output heardIds array = [requests.id, files.id]
