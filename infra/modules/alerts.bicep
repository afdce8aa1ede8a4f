// What somebody should look at: docs/operations.md says of each alert what to do. A query returns what is wrong, so
// every rule is the same: it fires if there is anything. A gauge is Sum / ItemCount, for it comes without Min and Max.

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('The workspace with the metrics.')
param workspaceId string

@description('The topics that functions listen to.')
param topicIds array

@description('Who is written to; nobody, if empty: the portal shows alerts all the same.')
param emails string[]

@description('How many of a hundred ended videos may have failed, within half an hour.')
param failedPercent int

@description('How many minutes the oldest video may wait for a deployment.')
param queueMinutes int

@description('How many videos must have ended for their failures to count.')
param fewestEnded int = 5

var alerts = [
  {
    name: 'failed-videos'
    severity: 1
    says: 'More than ${failedPercent} % of the videos that ended within half an hour failed.'
    window: 'PT30M'
    query: [
      'where Name in ("reelay.videos.failed", "reelay.videos.completed")'
      'summarize Failed = sumif(Sum, Name == "reelay.videos.failed"), Ended = sum(Sum)'
      'where Ended >= ${fewestEnded} and 100 * Failed > ${failedPercent} * Ended'
    ]
  }
  {
    name: 'queue-age'
    severity: 2
    says: 'A video has been waiting for a deployment for more than ${queueMinutes} minutes.'
    window: 'PT5M'
    query: [
      'where Name == "reelay.queue.age"'
      'summarize Age = max(Sum / ItemCount)'
      'where Age > ${queueMinutes * 60}'
    ]
  }
  {
    name: 'deployment-cooldown'
    severity: 2
    says: 'A deployment has been given no jobs for a quarter of an hour, after refusals or faults.'
    window: 'PT30M'
    query: [
      'where Name == "reelay.deployment.cooldown"'
      'project At = TimeGenerated, Sum, Deployment = tostring(Properties.deployment)'
      'summarize Since = coalesce(maxif(At, Sum == 0), min(At)), Now = max(At) by Deployment'
      'where Now - Since >= 15m'
    ]
  }
  {
    name: 'dead-letters'
    severity: 2
    says: 'An event or a file asked for a video in a way that can never work; dead-letter/ in the container requests says why.'
    window: 'PT15M'
    query: [
      'where Name == "reelay.events.dead_lettered"'
      'summarize Letters = sum(Sum)'
      'where Letters > 0'
    ]
  }
  {
    name: 'over-budget'
    severity: 2
    says: 'A tenant has spent its budget.'
    window: 'PT15M'
    query: [
      'where Name == "reelay.budget.used_ratio"'
      'extend Used = Sum / ItemCount'
      'summarize arg_max(TimeGenerated, Used) by Tenant = tostring(Properties.tenant)'
      'where Used >= 1'
    ]
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'reelay'
    enabled: true
    emailReceivers: [for email in emails: { name: email, emailAddress: email, useCommonAlertSchema: true }]
  }
}

var peopleIds = empty(emails) ? [] : [people.id]

resource rules 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for alert in alerts: {
    name: '${alert.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Reelay: ${alert.name}'
      description: alert.says
      severity: alert.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: alert.window
      skipQueryValidation: true // a new workspace knows no metric yet
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: join(concat(['AppMetrics'], alert.query), ' | ')
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: peopleIds }
    }
  }
]

// An event that is given up is written down, or dropped if even that fails.
var losses = flatten(map(topicIds, topicId => [
  { topicId: topicId, metric: 'DeadLetteredCount' }
  { topicId: topicId, metric: 'DroppedEventCount' }
]))

resource undelivered 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for (loss, i) in losses: {
    name: 'undelivered-events-${i}-${token}'
    location: 'global'
    tags: tags
    properties: {
      description: 'Event Grid gave up on an event for the app; the container undelivered has it, unless it was dropped.'
      severity: 2
      enabled: true
      scopes: [loss.topicId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: loss.metric
            criterionType: 'StaticThresholdCriterion'
            metricName: loss.metric
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 0
          }
        ]
      }
      actions: map(peopleIds, id => { actionGroupId: id })
    }
  }
]
