"""What only Azure knows of a resource, and only once it is there: made up."""

from typing import Any


def known_later(type_: str, name: str) -> dict[str, Any]:
    """The properties of a resource that its template does not give it."""
    last = name.rpartition("/")[2]
    return {
        "Microsoft.CognitiveServices/accounts": {
            "customSubDomainName": f"domain-of-{last}",
            "endpoint": f"https://{last}.openai.azure.com/",
        },
        "Microsoft.DurableTask/schedulers": {"endpoint": f"https://{last}.westeurope.durabletask.io"},
        "Microsoft.EventGrid/topics": {"endpoint": f"https://{last}.westeurope-1.eventgrid.azure.net/api/events"},
        "Microsoft.Insights/components": {"ConnectionString": f"InstrumentationKey={last}"},
        "Microsoft.KeyVault/vaults": {"vaultUri": f"https://{last}.vault.azure.net/"},
        "Microsoft.ManagedIdentity/userAssignedIdentities": {
            "clientId": f"client of {last}",
            "principalId": f"principal of {last}",
        },
        "Microsoft.Storage/storageAccounts": {
            "primaryEndpoints": {
                service: f"https://{last}.{service}.core.windows.net/" for service in ("blob", "queue", "table")
            }
        },
        "Microsoft.Web/sites": {"defaultHostName": f"{last}.azurewebsites.net"},
    }.get(type_, {})
