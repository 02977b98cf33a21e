"""Events from a HER search endpoint over HTTP: LMSAL's own, or anything that speaks its dialect."""
