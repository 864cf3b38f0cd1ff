"""Ways to boot a stack, behind one interface."""
