"""The ports on ``asyncio.Protocol``, with nothing but what the hot hops need: one connection and one channel each.

A read of the socket is cut by ``frames`` into deliveries (with ``properties``) and confirms, all at once and without an
object for a frame. ``line`` is the connection that they come over, opened by ``handshake`` at an ``address``. The
``source`` hands deliveries on; the ``sink`` publishes what ``wire`` writes, and ``confirms`` knows what became of it.

There is one rule for every surprise: the line dies, and its user opens a new one. Nothing in this package knows the
exchange.
"""
