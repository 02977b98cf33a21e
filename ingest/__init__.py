"""The only writer: from a source's answer to rows, counted, with nothing lost."""
