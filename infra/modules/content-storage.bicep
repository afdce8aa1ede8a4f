// Your storage: finished videos, what was asked for, files, and the records.

import { contentContainers, networkAccess, recordsTable, undeliveredContainer } from 'shared.bicep'

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('How many copies there are, and where.')
param redundancy string

@description('How the network reaches it.')
param access networkAccess

@description('What is kept how long, as `REELAY_RETENTION` says it.')
param retention object

@description('Days that the inbox and dead letters are kept; 0 is for ever.')
param inboxDays int

module account 'storage-account.bicep' = {
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    redundancy: redundancy
    access: access
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = [
  for container in concat(contentContainers, [undeliveredContainer]): {
    name: 'st${token}/default/${container}'
    dependsOn: [account]
  }
]

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2026-04-01' = {
  name: 'st${token}/default/${recordsTable}'
  dependsOn: [account]
}

module lifecycle 'lifecycle.bicep' = {
  params: {
    accountName: account.outputs.name
    retention: retention
    inboxDays: inboxDays
  }
}

@description('The account\'s id.')
output id string = account.outputs.id

@description('Its name.')
output name string = account.outputs.name

@description('The URLs of its services, each with a slash at the end.')
output endpoints object = account.outputs.endpoints

@description('The ids of all that a role can be given on, by the names of roles.yaml.')
output scopes object = {
  contentAccount: account.outputs.id
  videos: '${account.outputs.id}/blobServices/default/containers/videos'
  requests: '${account.outputs.id}/blobServices/default/containers/requests'
  files: '${account.outputs.id}/blobServices/default/containers/files'
  undelivered: '${account.outputs.id}/blobServices/default/containers/${undeliveredContainer}'
  records: '${account.outputs.id}/tableServices/default/tables/${recordsTable}'
}
