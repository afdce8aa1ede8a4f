// An Azure OpenAI resource in one region and the models deployed there.

@description('Name, and the first part of its host.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('What deployments name as their `account` to be here.')
param label string

@description('Everybody\'s deployments: `upstream_model` is the name here, `azure` what is deployed.')
param deployments array

var ours = filter(deployments, deployment => deployment.?account == label && contains(deployment, 'azure'))

resource account 'Microsoft.CognitiveServices/accounts@2026-07-01' = {
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: { name: 'S0' }
  properties: {
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

@batchSize(1) // the service takes one change at a time
resource models 'Microsoft.CognitiveServices/accounts/deployments@2026-07-01' = [
  for deployment in ours: {
    parent: account
    name: deployment.upstream_model
    sku: { name: deployment.azure.sku, capacity: deployment.azure.capacity }
    properties: {
      model: { format: 'OpenAI', name: deployment.azure.model, version: deployment.azure.version }
      versionUpgradeOption: 'OnceCurrentVersionExpired'
    }
  }
]

@description('Its id.')
output id string = account.id

@description('The URL that `/videos` is appended to.')
output endpoint string = '${account.properties.endpoint}openai/v1/'
