"""The dialect of LMSAL's Heliophysics Events Knowledgebase, for sunpy, SSW, JHelioviewer and Helioviewer."""
