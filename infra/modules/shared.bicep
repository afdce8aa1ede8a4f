// What several modules have to agree on.

@export()
@description('What the app keeps, by the names its code has for it: finished videos, what was asked for, files.')
var contentContainers = ['videos', 'requests', 'files']

@export()
@description('Where Event Grid writes down what it could not deliver; the app never looks there.')
var undeliveredContainer = 'undelivered'

@export()
@description('The one table of the app.')
var recordsTable = 'videos'

@export()
@description('How the network reaches a resource: from outside or not, whoever is not named, and who is.')
type networkAccess = {
  @description('Whether it has a public address at all.')
  public: 'Enabled' | 'Disabled'
  @description('What happens to whoever is not named.')
  others: 'Allow' | 'Deny'
  @description('Addresses and CIDR ranges that may come in all the same.')
  addresses: string[]
}
