"""Solar events: what they are (`domain`), how they are stored (`models`) and read (`queries`)."""
