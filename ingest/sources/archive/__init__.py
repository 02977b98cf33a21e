"""Events from files: recorded HEK answers as JSON or XML, tables with HEK's column names, VOEvents."""
