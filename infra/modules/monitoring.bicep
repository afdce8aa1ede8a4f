// Logs, traces and metrics. Who writes them shows who they are: a connection string alone opens nothing.

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Days that logs, traces and metrics are kept.')
param logDays int

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: logDays
    features: { disableLocalAuth: true }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

@description('The workspace\'s id.')
output workspaceId string = workspace.id

@description('Its name.')
output workspaceName string = workspace.name

@description('The Application Insights component\'s id.')
output componentId string = component.id

@description('Where telemetry is sent; no secret, since it takes an identity with the role.')
output connectionString string = component.properties.ConnectionString
