"""The service finance, event sourced: invoices and payments."""
