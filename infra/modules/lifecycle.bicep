// The second line behind the purge: the account itself removes what even the most patient tenant's rule no longer keeps.
// There is always a policy, so that a rule that is taken back goes from the account, too.

@description('The longest that any tenant\'s rule keeps something, in days; 0 is for ever.')
func longest(retention object, rule string) int =>
  contains(allDays(retention, rule), 0) ? 0 : max(allDays(retention, rule))

@description('The days of the common rule and of each tenant\'s; what says nothing or null is 0.')
func allDays(retention object, rule string) array =>
  map(concat([{}], map(items(retention.?tenants ?? {}), tenant => tenant.value)), own =>
    shallowMerge([retention.?default ?? {}, own])[?rule] ?? 0)

@description('A rule of the account: remove what has not changed for so many days.')
func removal(name string, prefixes array, days int) object => {
  name: name
  type: 'Lifecycle'
  definition: {
    filters: { blobTypes: ['blockBlob', 'appendBlob'], prefixMatch: prefixes }
    actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: days } } }
  }
}

@description('The account with the content.')
param accountName string

@description('What is kept how long, as `REELAY_RETENTION` says it.')
param retention object

@description('Days that the inbox and dead letters are kept; 0 is for ever.')
param inboxDays int

@description('Days that the events are kept that Event Grid could not deliver.')
param undeliveredDays int = 90

@description('Days that the purge has before the account does its work.')
param graceDays int = 7

var contentDays = longest(retention, 'content_days')
var requestDays = longest(retention, 'request_days')

var rules = concat(
  [removal('undelivered', ['undelivered/'], undeliveredDays)],
  contentDays == 0 ? [] : [removal('videos', ['videos/'], contentDays + graceDays)],
  requestDays == 0
    ? []
    : [
        removal('requests', ['requests/'], requestDays + graceDays)
        removal('files', ['files/'], requestDays + graceDays + 7) // a batch may run for seven days and needs its file
      ],
  inboxDays == 0 ? [] : [removal('inbox', ['requests/inbox/', 'requests/dead-letter/', 'requests/held/'], inboxDays)]
)

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: accountName
}

resource policy 'Microsoft.Storage/storageAccounts/managementPolicies@2026-04-01' = {
  parent: account
  name: 'default'
  properties: { policy: { rules: rules } }
}
