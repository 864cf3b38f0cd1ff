"""The report formats that ship with certify, one module each."""
