// All of Reelay in one resource group. Each part is a module that can be read alone; what they need of each other is
// handed on here and nowhere else. It holds no secret and asks for none.

@description('Names and tags everything.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of all but the accounts of upstreams.yaml.')
param location string = resourceGroup().location

@description('Further tags of every resource.')
param tags object = {}

@description('Object id of who may put keys into the vault and look into the task hub; empty for nobody.')
param operatorPrincipalId string = ''

@description('What that is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorPrincipalType string = 'User'

@description('Who renders what: see upstreams.yaml.')
param upstreams object = loadYamlContent('upstreams.yaml')

@description('Who may call: `[{tenant, secret, weight?}]`, where `secret` is the name of the vault\'s secret with the key.')
param callers array = []

@description('Name of the vault\'s secret with the key for `/admin`; empty closes that. Nothing makes the secret.')
param adminKeyName string = 'reelay-admin-key'

@description('Whether there is a Content Safety resource for guardrails to ask; which do is for `REELAY_GUARDRAILS` to say.')
param contentSafety bool = false

@description('App settings that go before those that are made here, as `{REELAY_LINK_LIFETIME_S: \'600\'}`.')
param settings object = {}

@description('What is kept how long, as `REELAY_RETENTION` says it. The account\'s lifecycle rules follow from it, too.')
param retention object = {}

@description('Days that the files of the inbox and dead letters are kept; 0 is for ever.')
@minValue(0)
param inboxDays int = 0

@description('Further vaults that keys are read from: `[{name, resourceGroup?, subscriptionId?}]`.')
param existingVaults array = []

@description('What keeps the orchestrations: the Durable Task Scheduler, or Azure Storage.')
@allowed(['scheduler', 'storage'])
param durableBackend string = 'scheduler'

@description('Region of the scheduler, if there is none in yours.')
param schedulerLocation string = location

@description('Whether the scheduler is paid by use or by capacity.')
@allowed(['Consumption', 'Dedicated'])
param schedulerSku string = 'Consumption'

@description('Capacity units of a `Dedicated` scheduler.')
@minValue(1)
param schedulerCapacity int = 1

@description('Days after which the scheduler removes an ended orchestration; usually the app has done so within hours.')
@minValue(1)
param historyDays int = 7

@description('Instances for HTTP that never stop, so that nobody waits for one to start.')
@minValue(0)
param alwaysReadyHttp int = 0

@description('Instances for orchestrations that never stop.')
@minValue(0)
param alwaysReadyDurable int = 0

@description('Most instances there may be.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 100

@description('Memory of an instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Requests at once on an instance.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Largest file that may be uploaded, in bytes.')
@minValue(1)
@maxValue(2147483647)
param maxFileBytes int = 209715200

@description('How many copies of the content there are, and where.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS', 'Standard_RAGRS', 'Standard_RAGZRS'])
param storageRedundancy string = 'Standard_LRS'

@description('Whether storage and vault are reached from a private network alone. Content then goes through the app.')
param privateNetwork bool = false

@description('Addresses of that network, /23 or more, in CIDR notation.')
param addressSpace string = '10.20.0.0/22'

@description('Addresses outside of it that may reach storage and vault all the same, such as an operator\'s.')
param allowedAddresses string[] = []

@description('Who is written to when an alert fires; if empty, the portal shows alerts all the same.')
param alertEmails string[] = []

@description('How many of a hundred ended videos may fail within half an hour before there is an alert.')
@minValue(0)
@maxValue(100)
param failedPercent int = 20

@description('How many minutes a video may wait for a deployment before there is an alert.')
@minValue(1)
param queueMinutes int = 15

@description('Budget of the resource group for a month, in the subscription\'s currency. Takes `budgetStart` and `alertEmails`.')
@minValue(0)
param monthlyBudget int = 0

@description('First day of the budget\'s first month, YYYY-MM-01. Azure does not let it be changed afterwards.')
param budgetStart string = ''

@description('Days that logs, traces and metrics are kept.')
@minValue(30)
@maxValue(730)
param logDays int = 30

var token = uniqueString(resourceGroup().id, environmentName)
var allTags = union(tags, { 'azd-env-name': environmentName })
var hubName = 'reelay'
var onScheduler = durableBackend == 'scheduler'
var access = {
  public: privateNetwork && empty(allowedAddresses) ? 'Disabled' : 'Enabled'
  others: privateNetwork ? 'Deny' : 'Allow'
  addresses: privateNetwork ? allowedAddresses : []
}

module identities 'modules/identities.bicep' = {
  params: { token: token, location: location, tags: allTags }
}

module monitoring 'modules/monitoring.bicep' = {
  params: { token: token, location: location, tags: allTags, logDays: logDays }
}

module hostStorage 'modules/host-storage.bicep' = {
  params: { token: token, location: location, tags: allTags, access: access }
}

module contentStorage 'modules/content-storage.bicep' = {
  params: {
    token: token
    location: location
    tags: allTags
    redundancy: storageRedundancy
    access: access
    retention: retention
    inboxDays: inboxDays
  }
}

module vault 'modules/key-vault.bicep' = {
  params: { token: token, location: location, tags: allTags, access: access }
}

module scheduler 'modules/scheduler.bicep' = if (onScheduler) {
  params: {
    token: token
    location: schedulerLocation
    tags: allTags
    hubName: hubName
    sku: schedulerSku
    capacity: schedulerCapacity
    historyDays: historyDays
  }
}

module topics 'modules/topics.bicep' = {
  params: {
    token: token
    location: location
    tags: allTags
    storageId: contentStorage.outputs.id
    identityId: identities.outputs.events.id
  }
}

module safety 'modules/content-safety.bicep' = if (contentSafety) {
  params: { token: token, location: location, tags: allTags }
}

var appPrincipal = { app: { id: identities.outputs.app.principalId, type: 'ServicePrincipal' } }

module upstreamAccounts 'modules/upstreams.bicep' = {
  params: { token: token, tags: allTags, upstreams: upstreams, principals: appPrincipal }
}

module roles 'modules/role-assignments.bicep' = {
  params: {
    principals: shallowMerge([
      appPrincipal
      { events: { id: identities.outputs.events.principalId, type: 'ServicePrincipal' } }
      empty(operatorPrincipalId) ? {} : { operator: { id: operatorPrincipalId, type: operatorPrincipalType } }
    ])
    resources: shallowMerge([
      contentStorage.outputs.scopes
      {
        hostAccount: hostStorage.outputs.id
        vault: vault.outputs.id
        eventsTopic: topics.outputs.eventsId
        component: monitoring.outputs.componentId
      }
      onScheduler ? { taskHub: scheduler!.outputs.hubId } : { durableAccount: hostStorage.outputs.id }
      contentSafety ? { contentSafety: safety!.outputs.id } : {}
    ])
  }
}

module rolesOnVaults 'modules/role-assignments.bicep' = [
  for other in existingVaults: {
    scope: resourceGroup(
      other.?subscriptionId ?? subscription().subscriptionId,
      other.?resourceGroup ?? resourceGroup().name
    )
    params: {
      principals: appPrincipal
      resources: {
        vault: resourceId(
          other.?subscriptionId ?? subscription().subscriptionId,
          other.?resourceGroup ?? resourceGroup().name,
          'Microsoft.KeyVault/vaults',
          other.name
        )
      }
    }
  }
]

module network 'modules/network.bicep' = if (privateNetwork) {
  params: { token: token, location: location, tags: allTags, addressSpace: addressSpace }
}

module privateEndpoints 'modules/private-endpoints.bicep' = if (privateNetwork) {
  params: {
    token: token
    location: location
    tags: allTags
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointSubnetId
    targets: concat(
      [
        { name: 'host-blob', id: hostStorage.outputs.id, service: 'blob' }
        { name: 'content-blob', id: contentStorage.outputs.id, service: 'blob' }
        { name: 'content-table', id: contentStorage.outputs.id, service: 'table' }
        { name: 'vault', id: vault.outputs.id, service: 'vault' }
      ],
      onScheduler
        ? []
        : [
            { name: 'host-queue', id: hostStorage.outputs.id, service: 'queue' }
            { name: 'host-table', id: hostStorage.outputs.id, service: 'table' }
          ]
    )
  }
}

module appSettings 'modules/app-settings.bicep' = {
  params: {
    models: upstreams.models
    endpoints: concat(upstreamAccounts.outputs.made, upstreamAccounts.outputs.found)
    clientId: identities.outputs.app.clientId
    storage: contentStorage.outputs.endpoints
    vaultUrl: vault.outputs.url
    callers: callers
    adminKeyName: adminKeyName
    eventsEndpoint: topics.outputs.eventsEndpoint
    contentSafetyEndpoint: contentSafety ? safety!.outputs.endpoint : ''
    contentDelivery: privateNetwork ? 'proxy' : 'redirect'
    retention: retention
    maxFileBytes: maxFileBytes
  }
}

module durableSettings 'modules/durable-settings.bicep' = {
  params: {
    backend: durableBackend
    hubName: hubName
    schedulerEndpoint: onScheduler ? scheduler!.outputs.endpoint : ''
    clientId: identities.outputs.app.clientId
    storage: hostStorage.outputs.endpoints
  }
}

module functionApp 'modules/function-app.bicep' = {
  params: {
    token: token
    location: location
    tags: allTags
    identity: identities.outputs.app
    hostBlobUrl: hostStorage.outputs.endpoints.blob
    deploymentUrl: hostStorage.outputs.deploymentUrl
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    settings: shallowMerge([appSettings.outputs.settings, durableSettings.outputs.settings, settings])
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadyDurable: alwaysReadyDurable
    maximumInstances: maximumInstances
    instanceMemoryMB: instanceMemoryMB
    httpConcurrency: httpConcurrency
  }
  dependsOn: [roles, privateEndpoints]
}

module alerts 'modules/alerts.bicep' = {
  params: {
    token: token
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    topicIds: topics.outputs.heardIds
    emails: alertEmails
    failedPercent: failedPercent
    queueMinutes: queueMinutes
  }
}

module workbook 'modules/workbook.bicep' = {
  params: { location: location, tags: allTags, workspaceId: monitoring.outputs.workspaceId }
}

module budget 'modules/budget.bicep' = if (monthlyBudget > 0 && !empty(budgetStart) && !empty(alertEmails)) {
  params: { token: token, amount: monthlyBudget, start: budgetStart, emails: alertEmails }
}

@description('The function app.')
output AZURE_FUNCTION_APP_NAME string = functionApp.outputs.name

@description('The same, by the name that azd gives it.')
output SERVICE_API_NAME string = functionApp.outputs.name

@description('The base URL for clients.')
output SERVICE_API_URI string = 'https://${functionApp.outputs.hostName}/v1'

@description('The client id of the app\'s identity, for roles on what is not in here.')
output AZURE_APP_IDENTITY_CLIENT_ID string = identities.outputs.app.clientId

@description('The content account.')
output AZURE_STORAGE_ACCOUNT_NAME string = contentStorage.outputs.name

@description('The vault.')
output AZURE_KEY_VAULT_NAME string = vault.outputs.name

@description('The topic that hears of every video.')
output AZURE_EVENTS_TOPIC_NAME string = topics.outputs.eventsName

@description('The topic that takes requests for videos.')
output AZURE_REQUESTS_TOPIC_NAME string = topics.outputs.requestsName

@description('The system topic of the content account.')
output AZURE_STORAGE_TOPIC_NAME string = topics.outputs.filesName

@description('The identity that writes down what Event Grid could not deliver.')
output AZURE_EVENTS_IDENTITY_ID string = identities.outputs.events.id

@description('The task hub.')
output AZURE_TASK_HUB_NAME string = hubName

@description('The workspace with logs, traces and metrics.')
output AZURE_LOG_WORKSPACE_NAME string = monitoring.outputs.workspaceName
