"""Load: percentiles and error shares, decided on confidence intervals.

Nothing is imported here: the generator's process must patch the standard library before anything else loads it.
"""
