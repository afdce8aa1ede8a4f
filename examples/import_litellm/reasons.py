"""Why a setting of LiteLLM has no counterpart here."""

from typing import Final

_RETRIES: Final = "every step is repeated while that is worth it, but a creation never blindly"
_REST: Final = "a deployment that refuses or fails rests by itself, for as long as it asks if it says so"
_WAITING: Final = "no request waits for a render; render_timeout_s bounds the render itself"
_TOKENS: Final = "a video is not counted in tokens"
_HEADERS: Final = "no header but the credential is sent to a deployment"
_OWN_STATE: Final = "state is kept in the storage account; no other store is needed"
_SHAPE: Final = "callers send what the videos API has; other fields are refused"
CALLERS: Final = "callers' keys are set as REELAY_API_KEYS"
_LOGS: Final = "logs and metrics go to the platform's own"

PARAMS: Final = {
    **dict.fromkeys(("tpm", "itpm", "otpm", "input_cost_per_token", "output_cost_per_token"), _TOKENS),
    **dict.fromkeys(("timeout", "stream_timeout"), _WAITING),
    **dict.fromkeys(("num_retries", "max_retries"), _RETRIES),
    **dict.fromkeys(("organization", "extra_headers", "headers", "default_headers"), _HEADERS),
    **dict.fromkeys(("drop_params", "additional_drop_params", "extra_body", "allowed_openai_params"), _SHAPE),
    **dict.fromkeys(("tags", "tag_regex"), "deployments are not chosen by tags"),
    **dict.fromkeys(("max_budget", "budget_duration"), "a deployment has no budget"),
    "cooldown_time": _REST,
}
"""Of a deployment, in `litellm_params`."""

SECTIONS: Final = {
    "router_settings": {
        "routing_strategy": "the lowest priority with room is taken, within it by weight",
        **dict.fromkeys(("num_retries", "retry_after", "max_retries", "retry_policy"), _RETRIES),
        **dict.fromkeys(("allowed_fails", "cooldown_time", "allowed_fails_policy", "disable_cooldowns"), _REST),
        **dict.fromkeys(("timeout", "stream_timeout"), _WAITING),
        **dict.fromkeys(("redis_url", "redis_host", "redis_port", "redis_password", "cache_responses"), _OWN_STATE),
        "enable_pre_call_checks": "a deployment that cannot render what is asked is never chosen",
        **dict.fromkeys(("context_window_fallbacks", "content_policy_fallbacks"), "only for language models"),
    },
    "litellm_settings": {
        **dict.fromkeys(("drop_params", "modify_params"), _SHAPE),
        **dict.fromkeys(("request_timeout", "timeout"), _WAITING),
        **dict.fromkeys(("num_retries", "allowed_fails"), _RETRIES),
        **dict.fromkeys(("callbacks", "success_callback", "failure_callback", "set_verbose", "json_logs"), _LOGS),
        **dict.fromkeys(("cache", "cache_params"), _OWN_STATE),
        **dict.fromkeys(("context_window_fallbacks", "content_policy_fallbacks"), "only for language models"),
    },
    "general_settings": {
        **dict.fromkeys(("custom_auth", "custom_key_generate"), CALLERS),
        **dict.fromkeys(("database_url", "database_connection_pool_limit", "store_model_in_db"), _OWN_STATE),
        **dict.fromkeys(("alerting", "alerting_threshold"), _LOGS),
    },
}
"""Of the sections beside `model_list`."""
