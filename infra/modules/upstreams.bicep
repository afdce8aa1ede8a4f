// Who renders: a new Azure OpenAI resource for each account with a `location`, the existing one for each with a `name`,
// and on either the app's role.

@description('Ends every name.')
param token string

@description('Tags.')
param tags object

@description('Accounts and models, as upstreams.yaml says them.')
param upstreams object

@description('The function app\'s identity, as the table of roles names it.')
param principals object

var here = { subscriptionId: subscription().subscriptionId, resourceGroup: resourceGroup().name }
var accounts = map(items(upstreams.accounts), account => shallowMerge([here, account.value, { key: account.key }]))
var newAccounts = filter(accounts, account => contains(account, 'location'))
var oldAccounts = filter(accounts, account => !contains(account, 'location'))
var deployments = flatten(map(items(upstreams.models), model => model.value.deployments))

module made 'openai-account.bicep' = [
  for account in newAccounts: {
    params: {
      name: 'oai-${account.key}-${token}'
      location: account.location
      tags: tags
      label: account.key
      deployments: deployments
    }
  }
]

module rolesOnMade 'role-assignments.bicep' = [
  for (account, i) in newAccounts: {
    params: {
      principals: principals
      resources: { openAi: made[i].outputs.id }
    }
  }
]

module found 'existing-openai-account.bicep' = [
  for account in oldAccounts: {
    scope: resourceGroup(account.subscriptionId, account.resourceGroup)
    params: { name: account.name }
  }
]

module rolesOnFound 'role-assignments.bicep' = [
  for (account, i) in oldAccounts: {
    scope: resourceGroup(account.subscriptionId, account.resourceGroup)
    params: {
      principals: principals
      resources: { openAi: found[i].outputs.id }
    }
  }
]

@description('The endpoints of new accounts: `account`, `endpoint`.')
output made array = [for (account, i) in newAccounts: { account: account.key, endpoint: made[i].outputs.endpoint }]

@description('The endpoints of existing accounts, likewise.')
output found array = [for (account, i) in oldAccounts: { account: account.key, endpoint: found[i].outputs.endpoint }]
