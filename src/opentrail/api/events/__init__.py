"""EventBridge's API: rules, targets, event buses, custom events."""

from opentrail.api.events.service import events_service
from opentrail.api.events.stored import EventsBackends

__all__ = ["EventsBackends", "events_service"]
