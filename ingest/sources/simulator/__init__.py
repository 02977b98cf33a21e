"""A seeded, simulated Sun, the reports that detection methods make of it, and a server that answers like HEK.

`sun` is what is there, `patrols` and `bulletins` what methods report of it, `records` how HEK writes that
down, `catalogue` finds what touches a window, `answers` and `server` speak HEK's dialect, `source` reads it
back.
"""
