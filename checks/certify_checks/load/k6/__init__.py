"""The user's own k6 script as the engine of a load: its raw samples become the same files that the generator writes."""
