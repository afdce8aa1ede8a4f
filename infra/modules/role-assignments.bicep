// Gives out the rows of roles.yaml that fit those who come and what is there.

@description('Who: `{id, type}` by the names of the table; whoever is missing is given nothing.')
param principals object

@description('On what: ids of resources of this group by the names of the table; what is missing is passed over.')
param resources object

var roles = loadYamlContent('roles.yaml')
var rows = filter(roles.rows, row => contains(principals, row.who) && contains(resources, row.resource))

// A template, since Bicep has no resource whose scope is an id.
module assignments 'role-assignments.json' = if (!empty(rows)) {
  params: {
    assignments: map(rows, row => {
      scope: resources[row.resource]
      principalId: principals[row.who].id
      principalType: principals[row.who].type
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.ids[row.role])
      description: row.why
    })
  }
}
