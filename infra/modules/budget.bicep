// A budget of the resource group. It stops nothing; it tells when most of it is spent, and when all of it is going to be.

@description('Ends every name.')
param token string

@description('A month\'s worth, in the currency of the subscription.')
param amount int

@description('First day of the first month, YYYY-MM-DD.')
param start string

@description('Who is written to.')
param emails string[]

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: 'budget-${token}'
  properties: {
    amount: amount
    category: 'Cost'
    timeGrain: 'Monthly'
    timePeriod: { startDate: start }
    notifications: {
      mostIsSpent: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
      }
      allWillBeSpent: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
      }
    }
  }
}
