// A network with a subnet that the app reaches out from, and one for the private endpoints of what it reaches.

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Addresses, /23 or more, in CIDR notation.')
param addressSpace string

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressSpace] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressSpace, 24, 0)
          delegations: [{ name: 'functions', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: { addressPrefix: cidrSubnet(addressSpace, 24, 1) }
      }
    ]
  }
}

@description('The network\'s id.')
output id string = network.id

@description('The subnet that the app reaches out from.')
output appSubnetId string = '${network.id}/subnets/app'

@description('The subnet of the private endpoints.')
output endpointSubnetId string = '${network.id}/subnets/endpoints'
