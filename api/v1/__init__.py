"""Our own dialect; docs/api/v1.md describes it, /api/v1/schema/ to machines."""
