// What the app is told, made from the same parameters as the resources: docs/configuration.md lists the settings.

@description('Models, as upstreams.yaml says them.')
param models object

@description('Where the accounts of upstreams.yaml are: `account`, `endpoint`.')
param endpoints array

@description('The app\'s identity.')
param clientId string

@description('The URLs of the content account, each with a slash at the end.')
param storage object

@description('The URL of the vault, with a slash at the end.')
param vaultUrl string

@description('Who may call: `tenant`, `secret` (its name in the vault), `weight`.')
param callers array

@description('Name of the vault\'s secret with the admin key; empty closes what is under `/admin`.')
param adminKeyName string

@description('Where events about videos are published.')
param eventsEndpoint string

@description('Where Content Safety answers; empty if there is none.')
param contentSafetyEndpoint string

@description('`redirect` readers to a link, or `proxy` content through the app.')
@allowed(['redirect', 'proxy'])
param contentDelivery string

@description('What is kept how long.')
param retention object

@description('Largest file, in bytes.')
param maxFileBytes int

var endpointOf = toObject(endpoints, each => each.account, each => each.endpoint)
var onlyForAzure = ['account', 'azure']

// What a deployment says of itself goes before what follows from its account.
var completeModels = mapValues(models, model => shallowMerge([
  model
  {
    deployments: map(model.deployments, deployment => shallowMerge([
      contains(deployment, 'account')
        ? {
            endpoint: endpointOf[deployment.account]
            auth: { kind: 'managed_identity', client_id: clientId }
          }
        : {}
      toObject(
        filter(items(deployment), field => !contains(onlyForAzure, field.key)),
        field => field.key,
        field => field.value
      )
    ]))
  }
]))

var keys = map(callers, caller => shallowMerge([
  caller
  { secret: 'keyvault:${vaultUrl}secrets/${caller.secret}' }
]))

var multipartBytes = 1024 * 1024

@description('Names and values.')
output settings object = shallowMerge([
  {
    REELAY_MODELS: string(completeModels)
    REELAY_API_KEYS: string(keys)
    REELAY_BLOB_ENDPOINT: storage.blob
    REELAY_TABLE_ENDPOINT: storage.table
    REELAY_IDENTITY_CLIENT_ID: clientId
    REELAY_CONTENT_DELIVERY: contentDelivery
    REELAY_RETENTION: string(retention)
    REELAY_EVENT_GRID_ENDPOINT: eventsEndpoint
    REELAY_MAX_FILE_BYTES: string(maxFileBytes)
    // Of the platform: more than a file, since the form around it counts; orchestrators run in the worker's threads;
    // memory of large blocks goes back to the system; no credential is looked for that a function app cannot have.
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: string(maxFileBytes + multipartBytes)
    PYTHON_THREADPOOL_THREAD_COUNT: '16'
    MALLOC_MMAP_THRESHOLD_: '131072'
    AZURE_TOKEN_CREDENTIALS: 'prod'
  }
  empty(contentSafetyEndpoint) ? {} : { REELAY_CONTENT_SAFETY_ENDPOINT: contentSafetyEndpoint }
  empty(adminKeyName) ? {} : { REELAY_ADMIN_KEY: 'keyvault:${vaultUrl}secrets/${adminKeyName}' }
])
