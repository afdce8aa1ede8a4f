// A vault for the keys of callers and of upstreams that take no identity. It is made empty.

import { networkAccess } from 'shared.bicep'

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('How the network reaches it.')
param access networkAccess

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: 'kv-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 7 // a deleted vault keeps its name for so long
    publicNetworkAccess: access.public
    networkAcls: {
      bypass: 'None'
      defaultAction: access.others
      ipRules: map(access.addresses, address => { value: address })
    }
  }
}

@description('Its id.')
output id string = vault.id

@description('Its name.')
output name string = vault.name

@description('Its URL, with a slash at the end.')
output url string = vault.properties.vaultUri
