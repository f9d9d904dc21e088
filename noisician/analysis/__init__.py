"""Listening: what a recording tells of its key, onsets and pitch, heard from the samples alone.

Every module follows one pattern: conventions (shapes, units) in its docstring, input checked with an error that names
the likely cause, then the estimate. How good an estimator is stands beside it.
"""
