"""Reports: what an auditor asks of the whole record, answered with pass or fail, from what data, and the exceptions.

A module for each report is pure: figures in, a report out. `making` reads the figures, `saving` writes what came out.
"""
