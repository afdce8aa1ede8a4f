// What the Functions host needs for itself: the deployed package, its locks and keys. Nothing of any tenant is in here,
// so its broad role ends here, too. With the backend `storage`, it holds the orchestrations as well.

import { networkAccess } from 'shared.bicep'

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('How the network reaches it.')
param access networkAccess

var deploymentContainer = 'deployment'

module account 'storage-account.bicep' = {
  params: {
    name: 'sthost${token}'
    location: location
    tags: tags
    redundancy: 'Standard_LRS' // all of it can be made again
    access: access
  }
}

resource deployment 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  name: 'sthost${token}/default/${deploymentContainer}'
  dependsOn: [account]
}

@description('The account\'s id.')
output id string = account.outputs.id

@description('Its name.')
output name string = account.outputs.name

@description('The URLs of its services, each with a slash at the end.')
output endpoints object = account.outputs.endpoints

@description('The URL of the container for the deployed package.')
output deploymentUrl string = '${account.outputs.endpoints.blob}${deploymentContainer}'
