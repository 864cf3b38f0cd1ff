"""The fault drill: starts a stack with known faults and shows which rule notices each."""
