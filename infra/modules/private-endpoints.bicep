// Private endpoints, and the names by which the network finds them.

@description('Ends every name.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('The network that looks the names up.')
param networkId string

@description('The subnet of the endpoints.')
param subnetId string

@description('What is reached: `name`, `id`, and the `service` of it (blob, queue, table, vault).')
param targets array

var storageDomain = environment().suffixes.storage
var zoneOf = {
  blob: 'privatelink.blob.${storageDomain}'
  queue: 'privatelink.queue.${storageDomain}'
  table: 'privatelink.table.${storageDomain}'
  vault: 'privatelink.vaultcore.azure.net'
}
var services = union(map(targets, target => target.service), []) // each once

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for service in services: {
    name: zoneOf[service]
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (service, i) in services: {
    parent: zones[i]
    name: 'link-${token}'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: networkId }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-09-01' = [
  for target in targets: {
    name: 'pep-${target.name}-${token}'
    location: location
    tags: tags
    properties: {
      subnet: { id: subnetId }
      privateLinkServiceConnections: [
        {
          name: target.name
          properties: { privateLinkServiceId: target.id, groupIds: [target.service] }
        }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-09-01' = [
  for (target, i) in targets: {
    parent: endpoints[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: target.service
          properties: { privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zoneOf[target.service]) }
        }
      ]
    }
    dependsOn: [zones, links]
  }
]
