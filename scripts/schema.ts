// Placeholder until src/contract publishes its schema.
