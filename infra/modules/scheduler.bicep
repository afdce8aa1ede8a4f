// The Durable Task Scheduler and its hub, where the orchestrations are.

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('The hub\'s name.')
param hubName string

@description('Paid by use, or by capacity.')
@allowed(['Consumption', 'Dedicated'])
param sku string

@description('Capacity units; of `Dedicated` only.')
param capacity int

@description('Days after which the scheduler itself removes what has ended.')
param historyDays int

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: 'dts-${token}'
  location: location
  tags: tags
  properties: {
    ipAllowlist: ['0.0.0.0/0'] // whoever comes shows an identity; an empty list lets nobody in
    sku: sku == 'Dedicated' ? { name: sku, capacity: capacity } : { name: sku }
  }
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' = {
  parent: scheduler
  name: hubName
}

resource retention 'Microsoft.DurableTask/schedulers/retentionPolicies@2026-02-01' = {
  parent: scheduler
  name: 'default'
  properties: {
    // Without a state it would hold for every state there ever is: name those that end an orchestration.
    retentionPolicies: [
      { orchestrationState: 'Completed', retentionPeriodInDays: historyDays }
      { orchestrationState: 'Failed', retentionPeriodInDays: historyDays }
      { orchestrationState: 'Terminated', retentionPeriodInDays: historyDays }
    ]
  }
}

@description('The hub\'s id.')
output hubId string = hub.id

@description('Where the scheduler answers.')
output endpoint string = scheduler.properties.endpoint
