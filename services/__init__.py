"""The exchange itself: gateway, ledger and router, what they run on, and the ``huizhi`` command."""
