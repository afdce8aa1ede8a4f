// An Azure OpenAI or AI Services resource that is there already; nothing of it is changed.

@description('Its name.')
param name string

resource account 'Microsoft.CognitiveServices/accounts@2026-07-01' existing = {
  name: name
}

@description('Its id.')
output id string = account.id

@description('The URL that `/videos` is appended to; what AI Services call their endpoint is another one.')
output endpoint string = 'https://${account.properties.customSubDomainName}.openai.azure.com/openai/v1/'
