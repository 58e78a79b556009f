"""What the services run on: settings, logging, lifecycle, health, metrics, HTTP, database, AMQP in batches."""
