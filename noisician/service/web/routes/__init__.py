"""The endpoints, a file a subject. All that blocks runs in threads; what waits, waits without one."""
