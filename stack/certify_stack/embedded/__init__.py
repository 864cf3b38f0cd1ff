"""The reference stack as local processes: PostgreSQL, services forked from a pre-loaded parent, gateway. No containers."""
