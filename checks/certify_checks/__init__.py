"""The check families that ship with certify, one module or package each."""
