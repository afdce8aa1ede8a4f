// Who our resources are: the function app, and Event Grid where it writes down what it could not deliver.

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-app-${token}'
  location: location
  tags: tags
}

resource events 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-events-${token}'
  location: location
  tags: tags
}

@description('The function app\'s identity.')
output app object = {
  id: app.id
  clientId: app.properties.clientId
  principalId: app.properties.principalId
}

@description('Event Grid\'s identity.')
output events object = {
  id: events.id
  principalId: events.properties.principalId
}
