"""The ports on aio-pika and aiormq, on plain connections: nothing here reconnects."""
