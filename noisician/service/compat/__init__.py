"""Those who speak to the same service in other words: the Python client, ACE-Step's REST calls, MCP."""
