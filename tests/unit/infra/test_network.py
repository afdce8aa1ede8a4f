"""What is private is reached from the app's subnet, by name."""

import ipaddress

import pytest

from tests.unit.infra.scenarios import deployed

PRIVATE = ["private", "private, on Azure Storage", "with all there is"]
SERVICES = {
    "private": {"blob": 2, "table": 1, "vault": 1},
    "private, on Azure Storage": {"blob": 2, "queue": 1, "table": 2, "vault": 1},
}
ZONES = {
    "blob": "privatelink.blob.core.windows.net",
    "queue": "privatelink.queue.core.windows.net",
    "table": "privatelink.table.core.windows.net",
    "vault": "privatelink.vaultcore.azure.net",
}


@pytest.mark.parametrize("choice", ["as it comes", "on Azure Storage"])
def test_there_is_no_network_unless_wanted(choice: str) -> None:
    deployment = deployed(choice)
    assert not [each for each in deployment.made() if each.type.startswith("Microsoft.Network/")]
    assert deployment.one("Microsoft.Web/sites").given["virtualNetworkSubnetId"] is None


@pytest.mark.parametrize("choice", PRIVATE)
def test_the_app_is_in_its_subnet(choice: str) -> None:
    deployment = deployed(choice)
    network = deployment.one("Microsoft.Network/virtualNetworks")
    app, endpoints = network.given["subnets"]
    assert (
        deployment.one("Microsoft.Web/sites").given["virtualNetworkSubnetId"] == f"{network.id}/subnets/{app['name']}"
    )
    (delegation,) = app["properties"]["delegations"]
    assert delegation["properties"]["serviceName"] == "Microsoft.App/environments"
    ranges = [ipaddress.ip_network(subnet["properties"]["addressPrefix"]) for subnet in (app, endpoints)]
    assert not ranges[0].overlaps(ranges[1])


@pytest.mark.parametrize("choice", SERVICES)
def test_each_service_that_the_app_uses_has_an_endpoint_and_a_name(choice: str) -> None:
    deployment = deployed(choice)
    connections = [
        connection["properties"]
        for endpoint in deployment.made("Microsoft.Network/privateEndpoints")
        for connection in endpoint.given["privateLinkServiceConnections"]
    ]
    services = [service for connection in connections for service in connection["groupIds"]]
    assert {service: services.count(service) for service in services} == SERVICES[choice]
    network = deployment.one("Microsoft.Network/virtualNetworks").id
    subnets = {each.given["subnet"]["id"] for each in deployment.made("Microsoft.Network/privateEndpoints")}
    assert subnets == {f"{network}/subnets/endpoints"}
    there = {each.id for each in deployment.made()}
    assert all(connection["privateLinkServiceId"] in there for connection in connections)
    zones = {zone.id: zone.name for zone in deployment.made("Microsoft.Network/privateDnsZones")}
    assert set(zones.values()) == {ZONES[service] for service in services}
    groups = deployment.made("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    assert len(groups) == len(services)
    for group in groups:
        (config,) = group.given["privateDnsZoneConfigs"]
        assert zones[config["properties"]["privateDnsZoneId"]] == ZONES[config["name"]]
    links = deployment.made("Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    assert {each.name.partition("/")[0] for each in links} == set(zones.values())
    assert all(each.given == {"registrationEnabled": False, "virtualNetwork": {"id": network}} for each in links)
