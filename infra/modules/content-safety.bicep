// The Content Safety resource that guardrails ask, where they are told to.

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

resource account 'Microsoft.CognitiveServices/accounts@2026-07-01' = {
  name: 'cs-${token}'
  location: location
  tags: tags
  kind: 'ContentSafety'
  sku: { name: 'S0' }
  properties: {
    customSubDomainName: 'cs-${token}'
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

@description('Its id.')
output id string = account.id

@description('Its URL, with a slash at the end.')
output endpoint string = account.properties.endpoint
