// Placeholder until docs/ has pages with generated tables.
