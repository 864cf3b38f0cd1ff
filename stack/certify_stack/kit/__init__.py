"""The kit: what every service of the stack shares, from declarations to a served, guarded, observed subgraph."""
