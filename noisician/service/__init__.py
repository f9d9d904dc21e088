"""The HTTP service behind the studio: durable jobs, a library of takes, workers that keep the models loaded.

app        puts it together and serves it; companion and stdio do so for assistants
web        the HTTP API: what comes in, who may, how it is answered, live events
compat     the same in other words: the Python client, ACE-Step's REST calls, MCP
work       the worker processes, and who watches them
library    the finished takes: files, exports, shapes
store      the database, which is the truth
schemas, records, files, settings    what all of them speak of
"""
