"""AIA images: what is computed from them and how their headers are read (`domain`)."""
