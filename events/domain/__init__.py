"""The Sun's events without a database: pure Python, numpy and shapely; no Django, no I/O."""
