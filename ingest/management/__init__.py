"""Django commands of the ingest."""
