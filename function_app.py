"""Composition root: settings, then clients, then every trigger, orchestrator, activity and entity."""

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
