"""What both sides of the exchange agree on: pure, without I/O, importing nothing from ``services``."""
