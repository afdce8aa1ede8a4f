// The dashboard: workbook.json, over the workspace.

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('The workspace with the metrics.')
param workspaceId string

var content = loadJsonContent('workbook.json')

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'reelay')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Reelay'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: string(shallowMerge([content, { fallbackResourceIds: [workspaceId] }]))
  }
}
