"""The router: places each message into the inbox of the nearest participant, or parks it."""
