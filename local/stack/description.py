"""What `stack.json` tells other tools about a running stack."""

from pydantic import BaseModel


class Pids(BaseModel):
    """The running processes. One that dies is replaced; this is then written anew."""

    host: list[int]
    engine: int
    azurite: int
    fakes: int


class StackDescription(BaseModel):
    """Where everything is and what opens it.

    Attributes:
        base_url: What an OpenAI client takes as its base URL.
        api_key: Opens the front door for the tenant `local`.
        admin_key: Opens its administration.
        host: The first function host.
        upstream: The fakes; `{upstream}/_control/…` steers them.
        blob: The blob endpoint of the storage account.
        table: Its table endpoint.
        eventgrid: The Event Grid topic.
        identity: The managed identity endpoint.
        entra: The directory of Entra; `{entra}/oauth2/v2.0/token` issues tokens to applications.
    """

    base_url: str
    api_key: str
    admin_key: str
    host: str
    upstream: str
    blob: str
    table: str
    eventgrid: str
    identity: str
    entra: str
    pids: Pids
