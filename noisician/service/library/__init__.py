"""The finished takes: their files, what is made of them on request, and their shape for clients."""
