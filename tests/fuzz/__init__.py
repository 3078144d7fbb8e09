"""Bad input of every kind: a command takes it or refuses it with a message, and leaves nothing half-written."""
