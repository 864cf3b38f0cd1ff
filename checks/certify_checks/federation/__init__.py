"""Federation: the subgraphs compose, and the gateway serves what they compose to."""
