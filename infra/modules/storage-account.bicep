// A storage account that opens to identities alone: no keys, no anonymous readers, no old TLS.

import { networkAccess } from 'shared.bicep'

@description('Name: 3 to 24 small letters and digits.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('How many copies there are, and where.')
param redundancy string

@description('How the network reaches it.')
param access networkAccess

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: redundancy }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: access.public
    networkAcls: {
      bypass: 'AzureServices' // Event Grid writes down here what it could not deliver
      defaultAction: access.others
      ipRules: map(access.addresses, address => { value: address, action: 'Allow' })
    }
  }
}

@description('Its id.')
output id string = account.id

@description('Its name.')
output name string = account.name

@description('The URLs of its services, each with a slash at the end.')
output endpoints object = {
  blob: account.properties.primaryEndpoints.blob
  queue: account.properties.primaryEndpoints.queue
  table: account.properties.primaryEndpoints.table
}
