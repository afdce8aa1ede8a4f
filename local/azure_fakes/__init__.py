"""Plays the parts of Azure that have no emulator, faithfully enough for the real SDKs.

| path | plays |
|---|---|
| `/{deployment}/openai/v1/videos…` | the v1 videos API of a deployment with a resource of its own |
| `/openai/v1/videos…` | the same, of deployments that share a resource and are named by `model` |
| `/identity/token` | the managed-identity endpoint of Functions (`IDENTITY_ENDPOINT`) |
| `/eventgrid/api/events` | an Event Grid topic that records |
| `/contentsafety/{text,image}:analyze` | a Content Safety resource |
| `/webhooks/{name}` | a webhook receiver that records |
| `/_control/{state,settings,faults,reset}` | what a test sees and turns |
| `https://…/secrets/{name}` | a Key Vault, on a port of its own |

Any deployment exists unless a setting says otherwise. A prompt with the word `content_filter` is refused with a 400;
one with `moderation_blocked` makes a job that fails. Counters count requests that were carried out; refused ones are
counted as `rejected_{status}`, and `requests` counts both. `settings.Settings` and `faults.Effect` tell what can be
turned.
"""
