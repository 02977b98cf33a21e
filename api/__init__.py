"""All HTTP answers, one folder a dialect, over one query layer (`events.queries`)."""
