// The function app on Flex Consumption. It comes as its identity, everywhere.

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Its identity: `id`, `clientId`.')
param identity object

@description('The host\'s account: its blob service, with a slash at the end.')
param hostBlobUrl string

@description('The container of the deployed package.')
param deploymentUrl string

@description('Where telemetry is sent.')
param applicationInsightsConnectionString string

@description('Further app settings; they go before those that are made here.')
param settings object

@description('The subnet it reaches the private network from; empty for none.')
param subnetId string

@description('Instances for HTTP that never stop.')
param alwaysReadyHttp int

@description('Instances for orchestrations that never stop.')
param alwaysReadyDurable int

@description('Most instances there may be.')
param maximumInstances int

@description('Memory of an instance.')
param instanceMemoryMB int

@description('Requests at once on an instance.')
param httpConcurrency int

var ready = [
  { name: 'http', instanceCount: alwaysReadyHttp }
  { name: 'durable', instanceCount: alwaysReadyDurable }
]
var hostSettings = {
  AzureWebJobsStorage__blobServiceUri: hostBlobUrl
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.clientId};Authorization=AAD'
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: 'func-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      appSettings: map(items(shallowMerge([hostSettings, settings])), each => { name: each.key, value: each.value })
    }
    functionAppConfig: {
      runtime: { name: 'python', version: '3.13' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      scaleAndConcurrency: {
        alwaysReady: filter(ready, each => each.instanceCount > 0)
        maximumInstanceCount: maximumInstances
        instanceMemoryMB: instanceMemoryMB
        triggers: { http: { perInstanceConcurrency: httpConcurrency } }
      }
    }
  }
}

// Neither the portal's publishing profile nor a user name and password deploy code.
resource publishingByPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = [
  for way in ['ftp', 'scm']: {
    parent: app
    name: way
    properties: { allow: false }
  }
]

@description('Its name.')
output name string = app.name

@description('Its host name.')
output hostName string = app.properties.defaultHostName
