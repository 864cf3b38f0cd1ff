"""How a load is made and what is kept of it: all input and output of the check."""
