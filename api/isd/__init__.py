"""The dialect of the Integrated Solar Database as programs of 2016 speak it; docs/api/isd.md describes it."""
