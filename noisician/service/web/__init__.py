"""The HTTP API: what comes in, who may, how it is answered, and the live events."""
