"""Images as arrays: slots, headers, the ten parameters, cells; numpy and numba, no Django, no I/O.

Everywhere here array row 0 is solar north and column 0 solar east; a cell is 64 x 64 pixels; pixel
coordinates (x = column, y = row) are whole numbers at pixel centres.
"""
