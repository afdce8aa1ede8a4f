// Where the orchestrations are. host.json names the scheduler; the other backend overrides it.

@description('The scheduler, or Azure Storage.')
@allowed(['scheduler', 'storage'])
param backend string

@description('The hub\'s name.')
param hubName string

@description('Where the scheduler answers; empty if it is not used.')
param schedulerEndpoint string

@description('The app\'s identity.')
param clientId string

@description('The URLs of the host\'s account, each with a slash at the end.')
param storage object

var provider = 'AzureFunctionsJobHost__extensions__durableTask__storageProvider'
var endings = {
  scheduler: {
    DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};TaskHub=${hubName};Authentication=ManagedIdentity;ClientID=${clientId}'
  }
  storage: {
    '${provider}__type': 'AzureStorage'
    '${provider}__connectionStringName': 'AzureWebJobsStorage'
    AzureWebJobsStorage__queueServiceUri: storage.queue
    AzureWebJobsStorage__tableServiceUri: storage.table
  }
}

@description('Names and values.')
output settings object = shallowMerge([{ TASKHUB_NAME: hubName }, endings[backend]])
